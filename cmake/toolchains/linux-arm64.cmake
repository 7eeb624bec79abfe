# Cross build for 64-bit ARM Linux on Debian: the compiler is g++-aarch64-linux-gnu, headers and
# libraries are those of the sysroot that scripts/get-arm64-sysroot prints (HEADROOM_SYSROOT).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# try_compile() runs with this file again, without the variables of the command line.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES HEADROOM_SYSROOT)
if(NOT HEADROOM_SYSROOT)
  message(FATAL_ERROR "HEADROOM_SYSROOT: expected the folder that scripts/get-arm64-sysroot prints")
endif()
set(CMAKE_SYSROOT "${HEADROOM_SYSROOT}")
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
