# macOS on Apple silicon, compiled on Linux by zig (scripts/mac-build sets everything up).
# The wrappers of scripts/get-zig are in PATH; the libraries of scripts/get-mac-sysroot are in
# $HEADROOM_MAC_SYSROOT. Nothing of the machine itself is found.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_VERSION 22.0.0)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_C_COMPILER mac-cc)
set(CMAKE_CXX_COMPILER mac-c++)
set(CMAKE_AR mac-ar CACHE FILEPATH "")
set(CMAKE_RANLIB mac-ranlib CACHE FILEPATH "")
set(CMAKE_ASM_COMPILER mac-cc)
# Looked for, never run: the programs need no library whose name could change.
set(CMAKE_INSTALL_NAME_TOOL true CACHE FILEPATH "")
# zig has the SDK's headers and libraries built in: no SDK path, and its -target names the rest.
set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
set(CMAKE_OSX_ARCHITECTURES "" CACHE STRING "")
set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "")

set(CMAKE_SYSROOT "")
set(CMAKE_FIND_ROOT_PATH "$ENV{HEADROOM_MAC_SYSROOT}")
list(APPEND CMAKE_SYSTEM_PREFIX_PATH /usr)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_FIND_FRAMEWORK NEVER)
set(CMAKE_FIND_APPBUNDLE NEVER)
