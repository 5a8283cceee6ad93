#include "definitions/alarm_reader.hpp"
#include "definitions/calendar_reader.hpp"
#include "definitions/key_rules.hpp"
#include "definitions/needs_reader.hpp"
#include "definitions/param_reader.hpp"
#include "definitions/policy_readers.hpp"
#include "definitions/project_reader.hpp"
#include "definitions/slot_rule_reader.hpp"
#include "definitions/task_reader.hpp"
#include "definitions/templates.hpp"
#include "definitions/trigger_reader.hpp"
#include "definitions/workflow_reader.hpp"

namespace pinion::definitions {

std::vector<key_table> all_key_tables() {
  return {
      {"workflow", workflow_keys()}, {"from_template", template_keys()},
      {"task", task_keys()},         {"defaults", default_keys()},
      {"trigger", trigger_keys()},   {"param", param_keys()},
      {"retry", retry_keys()},       {"timeout", timeout_keys()},
      {"check", check_keys()},       {"poll", poll_keys()},
      {"need", need_keys()},         {"for_each", for_each_keys()},
      {"alarm", alarm_keys()},       {"end_rule", end_rule_keys()},
      {"calendar", calendar_keys()}, {"misfire", misfire_keys()},
      {"dst", dst_keys()},           {"shifted_calendar", shifted_calendar_keys()},
      {"project", project_keys()},   {"environment", environment_keys()},
      {"secret", secret_keys()},     {"channel", channel_keys()},
  };
}

} // namespace pinion::definitions
