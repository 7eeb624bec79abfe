# shellcheck shell=bash
# The LaunchDaemon of headroom-exporter: its names, its property list and its log rotation. To be
# sourced after common.sh; prints only, so that it is tested on any system. bash 3.2.

# shellcheck disable=SC2034  # read by the scripts that source this file
{
  launchd_label=dev.headroom.exporter
  launchd_user=_headroom
  launchd_prefix=/usr/local
  launchd_state=/usr/local/var/lib/headroom
  launchd_log=/usr/local/var/log/headroom
}

xml_escape() { printf '%s' "$1" | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'; }

# launchd_plist ARGUMENT...: the property list that starts the exporter at boot with these arguments.
launchd_plist() {
  local argument
  cat <<EOF
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>$launchd_label</string>
  <key>UserName</key><string>$launchd_user</string>
  <key>GroupName</key><string>$launchd_user</string>
  <key>ProgramArguments</key>
  <array>
    <string>$launchd_prefix/bin/headroom-exporter</string>
    <string>--state-dir=$launchd_state</string>
EOF
  for argument in "$@"; do printf '    <string>%s</string>\n' "$(xml_escape "$argument")"; done
  cat <<EOF
  </array>
  <key>WorkingDirectory</key><string>$launchd_state</string>
  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key><string>/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin</string>
    <key>HOME</key><string>$launchd_state</string>
  </dict>
  <key>RunAtLoad</key><true/>
  <!-- Also after a clean exit: newsyslog ends it to rotate the log. launchctl bootout stops it. -->
  <key>KeepAlive</key><true/>
  <key>ThrottleInterval</key><integer>10</integer>
  <key>ExitTimeOut</key><integer>60</integer>
  <!-- Background would slow its models down as well: they inherit it. -->
  <key>ProcessType</key><string>Interactive</string>
  <key>SoftResourceLimits</key><dict><key>NumberOfFiles</key><integer>65536</integer></dict>
  <key>HardResourceLimits</key><dict><key>NumberOfFiles</key><integer>65536</integer></dict>
  <key>Umask</key><integer>23</integer>
  <key>StandardOutPath</key><string>$launchd_log/headroom-exporter.log</string>
  <key>StandardErrorPath</key><string>$launchd_log/headroom-exporter.log</string>
</dict>
</plist>
EOF
}

# The log's rotation. launchd holds the file open, so the exporter has to be ended (signal 15) to get a
# new one: launchd starts it again at once, and it adopts the models, which keep running. The lock of
# the state folder holds its process id.
launchd_newsyslog() {
  printf '# file owner mode count size(KB) when flags pid-file signal\n'
  printf '%s %s:%s 640 7 10240 * J %s/lock 15\n' "$launchd_log/headroom-exporter.log" \
    "$launchd_user" "$launchd_user" "$launchd_state"
}
