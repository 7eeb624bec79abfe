# Helpers that give every folder the same shape: one static library with an alias, and one test
# executable. Warnings are errors for our code only; dependencies come in as system headers.
include(GNUInstallDirs)

add_library(headroom_options INTERFACE)
target_include_directories(headroom_options INTERFACE
  "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>"
  "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/headroom>")
# Who uses the installed library decides on warnings and hardening; the language is ours.
target_compile_features(headroom_options INTERFACE $<INSTALL_INTERFACE:cxx_std_20>)
add_library(headroom_build_options INTERFACE)
target_link_libraries(headroom_options INTERFACE $<BUILD_INTERFACE:headroom_build_options>)
target_compile_options(headroom_build_options INTERFACE
  -Wall -Wextra -Werror
  # g++ 12 reports a false mismatch for coroutine frames (GCC bug 109224).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>
  # ... and overlaps in "text" + std::string when it optimises (GCC bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict>
  # With optimisation g++ 12 takes the alternatives of a moved std::variant for uninitialised.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Debug>>>:-Wno-maybe-uninitialized>
  "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
target_compile_definitions(headroom_build_options INTERFACE
  HEADROOM_VERSION="${PROJECT_VERSION}"
  $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
target_compile_options(headroom_build_options INTERFACE
  $<$<CONFIG:Release>:-fstack-protector-strong>)
if(NOT APPLE)
  target_link_options(headroom_build_options INTERFACE
    $<$<CONFIG:Release>:-Wl,-z,relro,-z,now>)
endif()

if(HEADROOM_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer
    # RapidJSON 1.1.0's empty stack adds an offset to a null pointer; clang reports it.
    $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=pointer-overflow>
    # clang 14 cannot emit the function check's data for coroutines ("difference across sections").
    $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  add_link_options(-fsanitize=address,undefined)
endif()
if(HEADROOM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# headroom_library(NAME SOURCES file... [PUBLIC lib...] [PRIVATE lib...])
function(headroom_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(headroom_${name} STATIC ${ARG_SOURCES})
  add_library(headroom::${name} ALIAS headroom_${name})
  target_link_libraries(headroom_${name} PUBLIC headroom_options ${ARG_PUBLIC}
    PRIVATE ${ARG_PRIVATE})
endfunction()

# headroom_test(NAME SOURCES file... LIBS lib... [LABEL label] [TIMEOUT seconds])
function(headroom_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT HEADROOM_TESTS)
    return()
  endif()
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 30)
  endif()
  add_executable(${name}_test ${ARG_SOURCES})
  target_link_libraries(${name}_test PRIVATE headroom_options ${ARG_LIBS} GTest::gmock
    GTest::gtest_main)
  target_compile_definitions(${name}_test PRIVATE
    HEADROOM_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data")
  if(CMAKE_CROSSCOMPILING)
    return()  # compiled and linked, never run here
  endif()
  gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
endfunction()

# headroom_fuzz(NAME SOURCES file... LIBS lib...)
function(headroom_fuzz name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT HEADROOM_FUZZ)
    return()
  endif()
  add_executable(${name}_fuzz ${ARG_SOURCES})
  target_link_libraries(${name}_fuzz PRIVATE headroom_options ${ARG_LIBS})
  target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
endfunction()
