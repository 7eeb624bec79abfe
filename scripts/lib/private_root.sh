# shellcheck shell=bash
# Packages of a newer distribution, unpacked into a folder of our own: the host's apt, its sources
# and its installed packages stay as they are. Needs common.sh; no root.
#
# The mirror is the one this machine is configured for. Debian: suite sid. Ubuntu: suite devel.

# Mirror address of the distribution itself (not of security updates or of third parties).
distribution_mirror() {
  apt-get indextargets --format "\$(LABEL) \$(REPO_URI)" 'Created-By: Packages' 2>/dev/null |
    awk '$1 == "Debian" || $1 == "Ubuntu" { print $2; exit }'
}

# private_apt DIR KIND SUITE [ARCH]: an apt of our own in DIR; KIND is deb or deb-src, ARCH another
# architecture than this machine's. Use it with APT_CONFIG=DIR/apt.conf.
private_apt() {
  local dir=$1 kind=$2 suite=$3 arch=${4-} mirror keyring=debian-archive-keyring components=main
  mirror=$(distribution_mirror)
  if [[ -z $mirror ]]; then
    as_root apt-get update -qq >&2
    mirror=$(distribution_mirror)
  fi
  [[ -n $mirror ]] || die "apt has no mirror of Debian or Ubuntu configured; see /etc/apt/sources.list"
  case $(os_name) in ubuntu-*) keyring=ubuntu-archive-keyring components='main universe' ;; esac
  mkdir -p "$dir"/etc/apt/{apt.conf,preferences,sources.list,trusted.gpg}.d \
    "$dir"/var/lib/apt/lists/partial "$dir"/var/cache/apt/archives/partial "$dir"/var/lib/dpkg
  : >"$dir/var/lib/dpkg/status"
  # Proxy and certificate settings of the host hold here too. A mirror that lags behind has an
  # expired index; its signature is checked all the same.
  {
    apt-config dump Acquire
    printf '%s\n' "Dir \"$dir\";" "Dir::State::status \"$dir/var/lib/dpkg/status\";" \
      'Dir::Etc::netrcparts "/etc/apt/auth.conf.d";' 'APT::Sandbox::User "root";' \
      'APT::Install-Recommends "false";'
    [[ -z $arch ]] || printf '%s\n' "APT::Architecture \"$arch\";" "APT::Architectures { \"$arch\"; };"
  } >"$dir/apt.conf"
  echo "$kind [check-valid-until=no signed-by=/usr/share/keyrings/$keyring.gpg] $mirror $suite $components" \
    >"$dir/etc/apt/sources.list"
  APT_CONFIG=$dir/apt.conf apt-get update -qq >&2
}

# The suite that has current packages.
newest_suite() { case $(os_name) in ubuntu-*) echo devel ;; *) echo sid ;; esac; }

# private_root DIR PACKAGE...: unpacks the packages of the newest suite and all they depend on into DIR.
private_root() {
  local root=$1 apt deb
  shift
  apt=$root.apt
  private_apt "$apt" deb "$(newest_suite)"
  APT_CONFIG=$apt/apt.conf apt-get install -y -qq --download-only "$@" >&2
  mkdir -p "$root"
  for deb in "$apt"/var/cache/apt/archives/*.deb; do dpkg-deb -x "$deb" "$root"; done
  rm -rf "$apt"
}

# wrap_program BIN ROOT NAME [LIBRARY_SUBDIR]: BIN/NAME runs ROOT/usr/bin/NAME with ROOT's own
# loader and libraries. It ends in exec, so that the process id and the signals are the program's,
# and the loader is called by a link with the program's name, which ps and /proc then show.
# BIN and ROOT must stay neighbours: BIN/../<name of ROOT>.
wrap_program() {
  local bin=$1 root=$2 name=$3 subdir=${4-} loader
  loader=$(cd "$root" && ls usr/lib/*/ld-linux-*.so.*)
  mkdir -p "$bin" "$root/run"
  ln -sf "../$loader" "$root/run/$name"
  cat >"$bin/$name" <<EOF
#!/bin/sh
root=\$(dirname -- "\$(dirname -- "\$(readlink -f -- "\$0")")")/$(basename "$root")
lib=\$root/$(dirname "$loader")
exec "\$root/run/$name" --argv0 $name --library-path "\$lib${subdir:+:\$lib/$subdir}" "\$root/usr/bin/$name" "\$@"
EOF
  chmod 755 "$bin/$name"
}
