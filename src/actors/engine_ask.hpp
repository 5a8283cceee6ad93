#pragma once

#include "actors/engine.hpp"

namespace pinion {

template <class Answer, class Message>
void engine_state::ask(const std::string& workflow, Message what,
                       std::function<void(const result<Answer>&)> done) {
  const auto id = ++questions_asked;
  auto end = [this, id, done = std::move(done)](const result<Answer>& answer) {
    if (open_questions.erase(id) == 1) // Else it was asked twice, and answered twice.
      done(answer);
  };
  auto once = [this, id, workflow, what = std::move(what), end = std::move(end)] {
    const auto found = workflows.find(workflow);
    if (found == workflows.end()) {
      end(no_workflow(workflow));
      return;
    }
    self->request(found->second.actor, caf::infinite, what)
        .then([end, use = found->second.in_use](const Answer& answer) { end(answer); },
              [this, id, end](const caf::error& why) {
                const auto refused = to_problem(why);
                if (refused.code != errc::unavailable)
                  end(refused);
                else
                  // Not sooner than the disk answers.
                  self->request(context->journal, caf::infinite, msg::submit{})
                      .then([this, id](std::uint64_t) { ask_again(id); });
              });
  };
  open_questions.emplace(id, open_question{workflow, std::move(once)});
  ask_again(id);
}

} // namespace pinion
