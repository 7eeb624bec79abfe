# Puts the page's files into assets.cc, as raw strings; a changed file configures anew.
set(page_files page.html page.css page.js memory.js fit.js gguf.js)
foreach(file IN LISTS page_files)
  file(READ "${CMAKE_CURRENT_SOURCE_DIR}/page/${file}" "${file}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "page/${file}")
endforeach()
configure_file(page/assets.cc.in "${CMAKE_CURRENT_BINARY_DIR}/page/assets.cc" @ONLY)
