#include "api/new_run.hpp"

#include "api/objects.hpp"

namespace pinion {

engine_client::reply<trigger_answer> new_run(const api_ptr& state, const reply_function& reply) {
  return [state, reply](result<trigger_answer> answer) {
    state->later([state, reply, answer = std::move(answer)] {
      if (!answer)
        return reply(error_reply(answer.error()));
      const store_view view{*state};
      const auto run = view.rows.run(answer.value().run);
      if (!run || !run.value())
        return reply(
            error_reply(run ? problem{errc::internal, "The new run has no row"} : run.error()));
      const auto definition = view.definition_of(*run.value());
      if (!definition)
        return reply(error_reply(definition.error()));
      const auto shown = objects::run(*run.value(), objects::zone_of(*definition.value()));
      reply(json_reply(shown, answer.value().existed ? 200 : 201));
    });
  };
}

} // namespace pinion
