// The commands, a function each: arguments without the command's name in, exit code out.
#pragma once

#include "cli/cli.h"

namespace headroom::cli {

int RunEstimate(const Arguments& arguments, Streams streams);
int RunInspect(const Arguments& arguments, Streams streams);
int RunCatalog(const Arguments& arguments, Streams streams);
int RunCheck(const Arguments& arguments, Streams streams);
int RunNodes(const Arguments& arguments, Streams streams);
int RunTop(const Arguments& arguments, Streams streams);
int RunStatus(const Arguments& arguments, Streams streams);
int RunEvents(const Arguments& arguments, Streams streams);
int RunWhy(const Arguments& arguments, Streams streams);
int RunSimulate(const Arguments& arguments, Streams streams);
int RunDoctor(const Arguments& arguments, Streams streams);
int RunJoin(const Arguments& arguments, Streams streams);
int RunDeploy(const Arguments& arguments, Streams streams);
int RunApply(const Arguments& arguments, Streams streams);
int RunProbe(const Arguments& arguments, Streams streams);
int RunDelete(const Arguments& arguments, Streams streams);
int RunCompletion(const Arguments& arguments, Streams streams);
int RunMan(const Arguments& arguments, Streams streams);
int RunComplete(const Arguments& arguments, Streams streams);

}  // namespace headroom::cli
