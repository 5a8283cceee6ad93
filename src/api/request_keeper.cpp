#include "api/request_keeper.hpp"

#include "api/conditional.hpp"
#include "api/lookup.hpp"
#include "api/new_run.hpp"
#include "api/objects.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace pinion {
namespace {

constexpr std::string_view backup_route = "/api/v1/store/backup";
constexpr std::string_view reading_route = "/api/v1/diff";

http_reply refusal(unsigned status, const char* code, std::string message, std::string suggestion) {
  return json_reply(json{{"error",
                          {{"code", code},
                           {"message", std::move(message)},
                           {"suggestion", std::move(suggestion)},
                           {"details", json::array()}}}},
                    status);
}

/// The key of a header, which may be quoted as the draft has it.
result<std::string> key_of(std::string text) {
  if (text.size() > 1 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  const bool visible = std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < '\x7f' && c != '"' && c != '\\';
  });
  if (text.empty() || text.size() > request_keeper::longest_key || !visible)
    return problem{errc::invalid,
                   "Idempotency-Key must be 1 to " + std::to_string(request_keeper::longest_key) +
                       " visible ASCII characters without quotes and backslashes",
                   "A UUID of your own for each change serves well"};
  return text;
}

std::string fingerprint_of(const http_request& request) {
  auto text = request.method + '\n' + request.path + '\n';
  for (const auto& [name, value] : request.query)
    text += percent_encode(name) + '=' + percent_encode(value) + '&';
  return entity_tag(text + '\n' + request.body);
}

http_reply other_request() {
  return refusal(422, "key_reused", "The Idempotency-Key was used for another request",
                 "Take a new key for each change");
}

http_reply under_way_still() {
  auto made =
      refusal(409, "in_progress", "The request with this Idempotency-Key is still under way",
              "Ask again: it is answered with the same answer");
  made.headers["Retry-After"] = "1";
  return made;
}

http_reply not_known_yet() {
  auto made = refusal(503, "outcome_unknown",
                      "The request with this Idempotency-Key was not answered in time, and it is "
                      "not known yet what became of it",
                      "Ask again later; `pinionctl get audit` shows what was changed");
  made.headers["Retry-After"] = "10";
  return made;
}

http_reply answer_lost(const kept_request& of) {
  const auto what = of.verb.empty() ? std::string{"it"} : of.verb + ' ' + of.object;
  if (of.come == kept_request::stage::begun)
    return refusal(409, "outcome_unknown",
                   "The engine ended while it carried out this request (" + what +
                       "): a part of it may be done, all of it, or nothing",
                   "Look at what it changed, then ask with a new key");
  const bool too_large = of.come == kept_request::stage::answered;
  return refusal(
      409, "answer_lost",
      "This request was carried out (" + what + "), but its answer is not kept: " +
          (too_large ? "it was larger than a MiB" : "the engine ended before it gave it"),
      "Look at what it changed; it is not done again");
}

/// What the status says of a first answer.
enum class outcome { kept, nothing_done, unknown };

outcome outcome_of(const http_reply& answer) {
  static constexpr std::array refusals{404U, 409U, 412U, 422U};
  if (answer.status < 300 ||
      std::find(refusals.begin(), refusals.end(), answer.status) != refusals.end())
    return outcome::kept;
  if (answer.status == 500)
    return outcome::unknown;
  const auto body = json::parse(answer.body, nullptr, false);
  const auto why = body.is_object() ? body.value("error", json::object()) : json::object();
  const auto message = why.is_object() ? why.value("message", std::string{}) : std::string{};
  return message.starts_with(no_answer) ? outcome::unknown : outcome::nothing_done;
}

std::optional<run_id> run_of(const std::string& object) {
  run_id run;
  const auto* end = object.data() + object.size();
  if (object.size() < 2 || object.front() != 'r' ||
      std::from_chars(object.data() + 1, end, run.value).ptr != end)
    return std::nullopt;
  return run;
}

result<json> backfill_object(api_state& state, std::uint64_t id) {
  const store_view view{state};
  BOOST_OUTCOME_TRY(record, find_backfill(view, id));
  BOOST_OUTCOME_TRY(counts, view.rows.counts_of_backfill(id));
  return objects::backfill(record, counts);
}

} // namespace

/// One request that is carried out: nobody knows what became of it if nobody says so.
struct request_keeper::ticket {
  ticket(std::shared_ptr<request_keeper> of, kept_request what)
      : keeper{std::move(of)}, asked{std::move(what)} {}
  ticket(const ticket&) = delete;
  ticket& operator=(const ticket&) = delete;
  ~ticket() {
    if (!settled)
      keeper->settle(asked, true);
  }
  void settle(bool unknown) {
    settled = true;
    keeper->settle(asked, unknown);
  }

  std::shared_ptr<request_keeper> keeper;
  kept_request asked;
  bool has_row = false;
  bool settled = false;
};

route request_keeper::repeatable(route usual) {
  if (usual.method == "GET" || usual.pattern == reading_route)
    return usual;
  auto made = usual;
  made.handle = [self = shared_from_this(), usual = std::move(usual)](http_request request,
                                                                      const reply_function& reply) {
    self->handle(usual, std::move(request), reply);
  };
  return made;
}

void request_keeper::handle(const route& usual, http_request request, const reply_function& reply) {
  const auto header = request.headers.find("idempotency-key");
  if (header == request.headers.end())
    return usual.handle(std::move(request), reply);
  auto key = key_of(header->second);
  if (!key)
    return reply(error_reply(key.error()));
  kept_request asked;
  asked.who = request.user;
  asked.key = std::move(key).value();
  asked.fingerprint = fingerprint_of(request);
  asked.at = state_->now();
  std::vector<kept_request> forgotten;
  if (const auto instead = take(asked, forgotten))
    return instead(reply);
  const auto of = std::make_shared<ticket>(shared_from_this(), asked);
  // A backup is no row of the store: nothing but a note before it can tell of it after a crash.
  of->has_row = usual.pattern == backup_route;
  if (forgotten.empty() && !of->has_row)
    return carry_out(usual, std::move(request), of, reply);
  std::optional<kept_request> begun;
  if (of->has_row) {
    begun = asked;
    begun->come = kept_request::stage::begun;
    begun->verb = "backup";
  }
  state_->engine().keep_request(forgotten, begun,
                                [self = shared_from_this(), usual, request, of, reply,
                                 forgotten](const result<std::uint64_t>& kept) {
                                  self->state_->later([=] {
                                    self->put_out(forgotten);
                                    if (kept)
                                      return self->carry_out(usual, request, of, reply);
                                    of->settle(false);
                                    reply(error_reply(kept.error()));
                                  });
                                });
}

void request_keeper::carry_out(const route& usual, http_request request, std::shared_ptr<ticket> of,
                               const reply_function& reply) {
  request.kept = std::make_shared<const kept_request>(of->asked);
  usual.handle(std::move(request), [of = std::move(of), reply](http_reply answer) {
    of->keeper->answered(of, std::move(answer), reply);
  });
}

void request_keeper::answered(const std::shared_ptr<ticket>& of, http_reply answer,
                              const reply_function& reply) {
  const auto came_to = outcome_of(answer);
  if (came_to == outcome::unknown || (came_to == outcome::nothing_done && !of->has_row)) {
    of->settle(came_to == outcome::unknown);
    return reply(std::move(answer));
  }
  std::vector<kept_request> forgotten;
  std::optional<kept_request> kept;
  if (came_to == outcome::kept) {
    kept = of->asked;
    kept->come = kept_request::stage::answered;
    kept->status = answer.status;
    if (answer.body.size() <= largest_answer)
      kept->body = answer.body;
  } else {
    forgotten.push_back(of->asked);
  }
  state_->engine().keep_request(
      forgotten, kept,
      [of, kept, reply, answer = std::move(answer)](const result<std::uint64_t>& durable) {
        of->keeper->state_->later([of, kept, reply, answer, written = durable.has_value()] {
          if (written && kept)
            of->keeper->remember(*kept);
          of->settle(!written);
          reply(answer);
        });
      });
}

request_keeper::answer_instead request_keeper::take(const kept_request& asked,
                                                    std::vector<kept_request>& forgotten) {
  const auto with = [](http_reply made) {
    return [made = std::move(made)](const reply_function& reply) { reply(made); };
  };
  const std::lock_guard lock{mutex_};
  if (auto read = load(); !read)
    return with(error_reply(read.error()));
  const name id{asked.who, asked.key};
  const auto known = under_way_.find(id);
  if (known != under_way_.end() && known->second.fingerprint != asked.fingerprint)
    return with(other_request());
  if ((known != under_way_.end() && !known->second.unknown) || going_.contains(id))
    return with(under_way_still());
  const auto row = find_kept_request(state_->engine().store(), asked.who, asked.key);
  if (!row)
    return with(error_reply(row.error()));
  if (row.value() && row.value()->at + kept_for > asked.at) {
    if (row.value()->fingerprint != asked.fingerprint)
      return with(other_request());
    return again(*row.value());
  }
  if (known != under_way_.end())
    return with(not_known_yet());
  if (row.value()) {
    forgotten.push_back(*row.value());
    std::erase_if(by_age_, [&](const auto& each) {
      const auto is_it = each.who == asked.who && each.key == asked.key;
      if (is_it)
        bytes_ -= std::min(bytes_, each.bytes);
      return is_it;
    });
  }
  expire(asked.at, forgotten);
  under_way_.emplace(id, attempt{asked.fingerprint});
  return {};
}

// What has no answer is shown as it stands now, where the mark names it.
request_keeper::answer_instead request_keeper::again(const kept_request& before) const {
  const auto replayed = [](const reply_function& reply) {
    return [reply](http_reply made) {
      made.headers["Idempotent-Replayed"] = "true";
      reply(std::move(made));
    };
  };
  if (before.come == kept_request::stage::answered && !before.body.empty())
    return [before, replayed](const reply_function& reply) {
      http_reply made;
      made.status = before.status;
      made.body = before.body;
      replayed(reply)(std::move(made));
    };
  if (before.come == kept_request::stage::done && before.verb == "trigger")
    if (const auto run = run_of(before.object); run && exists(*run))
      return [state = state_, run = *run, replayed](const reply_function& reply) {
        new_run(state, replayed(reply))(trigger_answer{run, false});
      };
  if (before.come == kept_request::stage::done && before.verb == "backfill")
    if (const auto id = backfill_number(before.object))
      return [state = state_, id = *id, replayed](const reply_function& reply) {
        const auto shown = backfill_object(*state, id);
        replayed(reply)(shown ? json_reply(shown.value(), 201) : error_reply(shown.error()));
      };
  // It is always the same, and the engine seldom lives to keep it.
  if (before.come == kept_request::stage::done && before.verb == "shutdown")
    return [replayed](const reply_function& reply) {
      replayed(reply)(json_reply({{"affected", 1}}));
    };
  return [before](const reply_function& reply) { reply(answer_lost(before)); };
}

bool request_keeper::exists(run_id run) const {
  const auto row = store_reader{state_->engine().store()}.run(run);
  return row && row.value();
}

// Once: from then on this object knows what is kept.
result<void> request_keeper::load() {
  if (loaded_)
    return ok();
  BOOST_OUTCOME_TRY(all, kept_requests_by_age(state_->engine().store()));
  for (auto& each : all) {
    bytes_ += each.bytes;
    by_age_.push_back(std::move(each));
  }
  loaded_ = true;
  return ok();
}

void request_keeper::expire(instant now, std::vector<kept_request>& forgotten) {
  while (!by_age_.empty() && forgotten.size() < forgotten_at_once) {
    const auto& oldest = by_age_.front();
    if (oldest.at + kept_for > now && by_age_.size() < most_kept && bytes_ < most_bytes)
      return;
    const name id{oldest.who, oldest.key};
    under_way_.erase(id);
    const auto row = find_kept_request(state_->engine().store(), oldest.who, oldest.key);
    if (row && row.value() && row.value()->at == oldest.at) {
      forgotten.push_back(*row.value());
      going_.insert(id);
    }
    bytes_ -= std::min(bytes_, oldest.bytes);
    by_age_.pop_front();
  }
}

void request_keeper::remember(const kept_request& kept) {
  const std::lock_guard lock{mutex_};
  by_age_.push_back({kept.who, kept.key, kept.at, kept.body.size()});
  bytes_ += kept.body.size();
}

void request_keeper::put_out(const std::vector<kept_request>& forgotten) {
  const std::lock_guard lock{mutex_};
  for (const auto& each : forgotten)
    going_.erase({each.who, each.key});
}

void request_keeper::settle(const kept_request& of, bool unknown) {
  const std::lock_guard lock{mutex_};
  const auto found = under_way_.find({of.who, of.key});
  if (found == under_way_.end())
    return;
  if (!unknown) {
    under_way_.erase(found);
    return;
  }
  found->second.unknown = true;
  by_age_.push_back({of.who, of.key, of.at, 0});
}

} // namespace pinion
