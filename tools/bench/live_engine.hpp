#pragma once

#include "pinion/actors/engine.hpp"
#include "pinion/storage/rocks_kv.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>

namespace pinion::bench {

/// Whether processes are real, or only said to have started and never to end.
enum class processes : std::uint8_t { real, pretended };

/// An engine in this process, as the program wires it, without its API: store with durability
/// `sync`, the host's clocks, the local worker. Its members throw std::runtime_error where the
/// engine answers with a problem, or not at all for two minutes.
class live_engine {
public:
  /// Opens or makes the store in `folder`, then starts the engine over it.
  live_engine(const std::filesystem::path& folder, processes how, std::uint32_t slots);
  live_engine(const live_engine&) = delete;
  live_engine& operator=(const live_engine&) = delete;
  /// Ends the engine in order and closes the store.
  ~live_engine();

  engine_client& client() { return engine_->client(); }
  const clock_port& clock() const noexcept { return *clock_; }
  /// How long the store took to open.
  double open_seconds() const noexcept { return open_seconds_; }

  void apply(workflow_definition definition);
  run_id trigger(const std::string& workflow);
  /// Until the run has ended; throws unless it ended in success.
  void await_success(run_id run);
  /// The present state of an instance as its RUN answers it.
  std::string state_of(const instance_key& key);

  /// What the engine answers to `question`, which is given the callback for the answer.
  template <class T, class Question>
  T ask(Question question) {
    auto promise = std::make_shared<std::promise<result<T>>>();
    auto answered = promise->get_future();
    question([promise](result<T> answer) { promise->set_value(std::move(answer)); });
    if (answered.wait_for(std::chrono::minutes{2}) != std::future_status::ready)
      throw std::runtime_error{"the engine does not answer"};
    auto answer = answered.get();
    if (!answer)
      throw std::runtime_error{answer.error().message};
    return std::move(answer).value();
  }

private:
  std::unique_ptr<clock_port> clock_;
  std::unique_ptr<alarm_port> alarm_;
  std::unique_ptr<rocks_kv> kv_;
  std::unique_ptr<launcher_port> launcher_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<engine> engine_;
  double open_seconds_ = 0;
};

/// A workflow `bench.NAME` of tasks `t0`, `t1` ... of one type, without needs.
workflow_definition workflow_of(const std::string& name, std::uint32_t tasks, task_type type);

} // namespace pinion::bench
