#include "actors/alerts.hpp"

#include "actors/crash.hpp"
#include "actors/run.hpp"
#include "pinion/storage/keys.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace pinion {

namespace {

/// No task of a workflow has this position.
constexpr std::uint32_t alarm_task = 0xffff'fffeU;

std::uint32_t hash_of(std::string_view text) noexcept {
  std::uint32_t hash = 2166136261U; // FNV-1a
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash == no_element ? 0 : hash;
}

/// The process of try number `tries` for the alarm: `id` begins with "r12.".
process_key key_of(const std::string& id, std::uint32_t tries) {
  process_key key;
  std::from_chars(id.data() + 1, id.data() + id.size(), key.instance.run.value);
  key.instance.task = alarm_task;
  key.instance.element = hash_of(id);
  key.token = {1, tries, 0};
  return key;
}

} // namespace

void alerts_state::send(const msg::send_alarm& alarm) {
  if (!known.insert(alarm.id).second)
    return;
  const auto settings = context->settings(alarm.project);
  const auto found = settings->channels.find(alarm.channel);
  if (found == settings->channels.end()) {
    spdlog::error("an alarm names a channel that pinion.yaml no longer has: channel={}.{} alarm={}",
                  alarm.project, alarm.channel, alarm.body);
    done(alarm);
    return;
  }
  if (found->second.log)
    spdlog::warn("alarm: channel={}.{} alarm={}", alarm.project, alarm.channel, alarm.body);
  if (found->second.command.empty())
    done(alarm);
  else
    run_command({alarm, 1}, found->second);
}

void alerts_state::run_command(under_way what, const channel_definition& channel) {
  auto order = std::make_shared<start_request>();
  order->key = key_of(what.alarm.id, what.tries);
  order->argv = channel.command;
  order->environment = context->options.base_environment;
  order->cwd = channel.cwd.empty() ? context->options.data_folder : channel.cwd;
  order->stdin_text = what.alarm.body + '\n';
  order->timeout = command_timeout;
  order->grace = std::chrono::seconds{5};
  commands[order->key] = std::move(what);
  self->send(context->worker, process_order{order, caf::actor_cast<process_client>(self)});
}

void alerts_state::ended(const msg::process_ended& what) {
  const auto found = commands.find(what.key);
  if (found != commands.end()) {
    auto now = std::move(found->second);
    commands.erase(found);
    const auto settings = context->settings(now.alarm.project);
    const auto channel = settings->channels.find(now.alarm.channel);
    const bool worked = what.end.kind == end_kind::exited && what.end.exit_code == 0;
    if (!worked && now.tries < max_tries && channel != settings->channels.end()) {
      ++now.tries;
      run_command(std::move(now), channel->second);
    } else {
      if (!worked)
        spdlog::error("the command of a channel fails, the alarm is given up: channel={}.{} "
                      "exit_code={} {} alarm={}",
                      now.alarm.project, now.alarm.channel, what.end.exit_code, what.end.message,
                      now.alarm.body);
      done(now.alarm);
    }
  }
  self->send(context->worker, msg::forget_process{what.key});
}

void alerts_state::done(const msg::send_alarm& alarm) {
  msg::submit erase;
  erase.batch.erase(family::meta, alarm_row_key(alarm.id));
  self->request(context->journal, caf::infinite, std::move(erase))
      .then([this, id = alarm.id](std::uint64_t) { known.erase(id); });
}

void alerts_state::resume(const std::string& prefix) {
  const auto all = alarm_row_key("");
  std::vector<msg::send_alarm> owed;
  const auto read =
      context->ports.kv->scan(family::meta, prefix, keys::after(prefix), [&](auto key, auto value) {
        const auto row = nlohmann::json::parse(value, nullptr, false);
        if (row.is_object())
          owed.push_back({std::string{key.substr(all.size())}, row.value("project", ""),
                          row.value("channel", ""), row.value("body", "")});
        return true;
      });
  if (!read)
    spdlog::error("the alarms that are still owed cannot be read: {}", read.error().message);
  for (const auto& alarm : owed)
    send(alarm);
}

alerts_actor::behavior_type alerts(alerts_actor::stateful_pointer<alerts_state> self,
                                   context_ptr context) {
  self->state.self = self;
  self->set_exception_handler(log_crash);
  self->state.context = std::move(context);
  self->state.resume(alarm_row_key(""));
  return {
      [](const msg::process_started&) {},
      [self](const msg::process_ended& what) { self->state.ended(what); },
      [](const msg::process_unknown&) {},
      [self](const msg::send_alarm& what) { self->state.send(what); },
      [self](const msg::alarms_of_run& what) {
        self->state.resume(alarm_row_key(to_string(what.run) + '.'));
      },
  };
}

} // namespace pinion
