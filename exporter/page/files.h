// The files of the exporter's page, put into the program by CMake.
#pragma once

#include <span>

#include "net/page.h"

namespace headroom::exporter {

std::span<const net::PageFile> PageFiles();

}  // namespace headroom::exporter
