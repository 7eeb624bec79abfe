# The estimator for other programs: find_package(headroom) gives headroom::estimator.
# cmake --install BUILD --component library
include(CMakePackageConfigHelpers)

set(headroom_package "${CMAKE_INSTALL_LIBDIR}/cmake/headroom")
foreach(name options common estimator)
  set_target_properties(headroom_${name} PROPERTIES EXPORT_NAME ${name})
endforeach()
install(TARGETS headroom_options headroom_common headroom_estimator EXPORT headroom-targets
  ARCHIVE COMPONENT library)
install(EXPORT headroom-targets NAMESPACE headroom:: DESTINATION "${headroom_package}"
  COMPONENT library)
foreach(folder common estimator)
  install(DIRECTORY ${folder} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/headroom"
    COMPONENT library FILES_MATCHING PATTERN "*.h")
endforeach()

configure_package_config_file(cmake/headroom-config.cmake.in
  "${CMAKE_BINARY_DIR}/headroom-config.cmake" INSTALL_DESTINATION "${headroom_package}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/headroom-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/headroom-config.cmake"
  "${CMAKE_BINARY_DIR}/headroom-config-version.cmake"
  DESTINATION "${headroom_package}" COMPONENT library)
