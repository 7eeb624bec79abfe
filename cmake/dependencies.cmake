# Everything comes from the system's packages (scripts/install-deps names them).
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED CONFIG)
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(yaml-cpp REQUIRED CONFIG)
if(NOT TARGET yaml-cpp::yaml-cpp)  # 0.7 has the bare name only
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()
find_path(RAPIDJSON_INCLUDE_DIR rapidjson/reader.h REQUIRED)
add_library(headroom_rapidjson INTERFACE)
target_include_directories(headroom_rapidjson SYSTEM INTERFACE "${RAPIDJSON_INCLUDE_DIR}")

# Asio and Beast are compiled once, in net/boost_impl.cc (a third of the build time).
add_library(headroom_boost INTERFACE)
target_link_libraries(headroom_boost INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(headroom_boost INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_REGEX)

if(HEADROOM_TESTS)
  find_package(GTest REQUIRED CONFIG)
  include(GoogleTest)
endif()
