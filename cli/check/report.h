// A check's findings in the forms that CI systems read. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/check/check.h"

namespace headroom::cli {

std::string TextReport(const std::vector<Checked>& checked, bool color);
Json JsonReport(const std::vector<Checked>& checked);
// SARIF 2.1.0 (OASIS): a result a denial (error) and a warning; code scanning shows them in place.
Json SarifReport(const std::vector<Checked>& checked);
// JUnit's XML as Jenkins, GitLab and GitHub actions read it: a test case an object.
std::string JunitReport(const std::vector<Checked>& checked);

}  // namespace headroom::cli
