#ifndef SSM_TOOLS_SSMC_SCHEDULEOPTION_H
#define SSM_TOOLS_SSMC_SCHEDULEOPTION_H

#include <string>

namespace CLI {
class App;
}

namespace ssm {

/// Declares `--schedule`: `auto`, a schedule, or `@FILE`, whose content `schedule` becomes.
void addScheduleOption(CLI::App &app, std::string &schedule);

} // namespace ssm

#endif
