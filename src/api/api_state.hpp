#pragma once

#include "api/definition_cache.hpp"
#include "api/json.hpp"
#include "api/watch_hub.hpp"
#include "pinion/api/routes.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace pinion {

/// What the handlers share. From any thread.
struct api_state {
  explicit api_state(api_handles given) : handles{std::move(given)} {}

  const api_handles handles;
  definition_cache definitions;
  watch_hub watches;

  engine_client& engine() const { return *handles.engine; }
  instant now() const { return handles.clock->wall_now(); }

  /// Goes on off the engine's thread, where the store may be read.
  void later(std::function<void()> work) const {
    handles.pool ? handles.pool->post(std::move(work)) : work();
  }
};

using api_ptr = std::shared_ptr<api_state>;

/// One consistent view of the store, for one request.
class store_view {
public:
  explicit store_view(api_state& state)
      : state_{state}, snapshot_{state.engine().store().snapshot()}, rows{*snapshot_} {}

  result<definition_cache::definition_ptr> definition(const std::string& workflow,
                                                      std::uint32_t version) const {
    return state_.definitions.get(rows, workflow, version);
  }
  result<definition_cache::definition_ptr> definition_of(const run_record& run) const {
    return definition(run.workflow, run.version);
  }
  instant now() const { return state_.now(); }
  const kv_reader& kv() const { return *snapshot_; }

private:
  api_state& state_;
  std::unique_ptr<kv_reader> snapshot_;

public:
  const store_reader rows;
};

/// Who asks, for what a request changes.
inline caller caller_of(const http_request& request, std::string reason) {
  return {request.user, std::move(reason), request.kept};
}

/// For a change that takes more than one commit: after the first the whole is only begun.
inline caller caller_in_parts(const http_request& request, std::string reason) {
  auto by = caller_of(request, std::move(reason));
  if (by.request) {
    auto begun = *by.request;
    begun.come = kept_request::stage::begun;
    by.request = std::make_shared<const kept_request>(std::move(begun));
  }
  return by;
}

inline http_reply json_reply(const json& body, unsigned status = 200) {
  http_reply made;
  made.status = status;
  made.body = to_text(body);
  return made;
}

inline http_reply to_reply(const result<json>& answer) {
  return answer ? json_reply(answer.value()) : error_reply(answer.error());
}

/// A handler that answers at once, from the store.
inline http_handler answering(api_ptr state,
                              std::function<result<json>(api_state&, const http_request&)> answer) {
  return [state = std::move(state), answer = std::move(answer)](const http_request& request,
                                                                const reply_function& reply) {
    reply(to_reply(answer(*state, request)));
  };
}

/// What to hand to the engine: renders its answer off its thread and replies.
template <class T, class Render>
engine_client::reply<T> answer_with(const api_ptr& state, reply_function reply, Render render) {
  return [state, reply = std::move(reply), render = std::move(render)](result<T> answer) {
    state->later([state, reply, render, answer = std::move(answer)]() mutable {
      reply(answer ? to_reply(render(*state, std::move(answer.value())))
                   : error_reply(answer.error()));
    });
  };
}

} // namespace pinion
