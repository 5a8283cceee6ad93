#include "api/audit_query.hpp"
#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/paging.hpp"
#include "api/route_groups.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/limits.hpp"
#include "pinion/storage/pool_overrides.hpp"

namespace pinion::routes {
namespace {

/// Where the sizes of pools come from.
struct pool_sizes {
  std::map<std::pair<std::string, std::string>, std::uint32_t> declared;
  std::map<std::pair<std::string, std::string>, pool_override> set;

  static result<pool_sizes> read(const store_view& view) {
    pool_sizes out;
    BOOST_OUTCOME_TRY(projects, view.rows.projects());
    for (const auto& [project, text] : projects) {
      BOOST_OUTCOME_TRY(settings, settings_from_canonical_json(text));
      for (const auto& [pool, permits] : settings.pools)
        out.declared[{project, pool}] = permits;
    }
    BOOST_OUTCOME_TRY(overrides, pool_overrides(view.kv()));
    for (auto& each : overrides)
      out.set[{each.project, each.pool}] = std::move(each);
    return out;
  }

  json add_to(json object, const pool_status& pool) const {
    const auto in_file = declared.find({pool.project, pool.pool});
    object["declared"] = in_file == declared.end() ? json() : json(in_file->second);
    const auto by_hand = set.find({pool.project, pool.pool});
    object["set"] = by_hand == set.end() ? json()
                                         : json{{"permits", by_hand->second.permits},
                                                {"by", by_hand->second.by},
                                                {"reason", by_hand->second.reason},
                                                {"at", objects::time(by_hand->second.at)}};
    return object;
  }
};

void list_pools(const api_ptr& state, const http_request& request, const reply_function& reply) {
  auto ask = asked_page(request);
  if (const auto known = check_query(request, {"project", "limit", "cursor"}); !known)
    return reply(error_reply(known.error()));
  if (!ask)
    return reply(error_reply(ask.error()));
  const auto project = query_text(request, "project");
  state->engine().pools(answer_with<std::vector<pool_status>>(
      state, reply,
      [project, ask = std::move(ask.value())](
          api_state& at, const std::vector<pool_status>& pools) -> result<json> {
        const store_view view{at};
        BOOST_OUTCOME_TRY(sizes, pool_sizes::read(view));
        std::vector<std::pair<std::string, json>> found;
        for (const auto& one : pools)
          if (project.empty() || one.project == project)
            found.emplace_back(one.project + '.' + one.pool, sizes.add_to(objects::pool(one), one));
        return page_by_name(ask, std::move(found));
      }));
}

/// "project.pool", or the name alone if one project has it.
result<pool_request> pool_named(const store_view& view, const std::string& text) {
  BOOST_OUTCOME_TRY(sizes, pool_sizes::read(view));
  std::vector<pool_request> found;
  for (const auto& [name, _] : sizes.declared)
    if (text == name.second || text == name.first + '.' + name.second)
      found.push_back({name.first, name.second, {}});
  if (found.size() == 1)
    return found.front();
  if (found.empty())
    return problem{errc::not_found, "there is no pool '" + text + "'",
                   "`pinionctl get pools` lists them"};
  return problem{errc::invalid, "several projects have a pool '" + text + "'",
                 "write " + found.front().project + '.' + text};
}

result<void> set_pool(const api_ptr& state, const http_request& request,
                      const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"pool", "permits", "reason"}));
  BOOST_OUTCOME_TRY(name, body_text(body, "pool"));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(asked, pool_named(store_view{*state}, name));
  const auto permits = body.find("permits");
  if (permits == body.end())
    return problem{errc::invalid, "'permits' is missing", "A number sets it, null resets it"};
  if (!permits->is_null()) {
    const bool whole = permits->is_number_integer() || permits->is_number_unsigned();
    if (!whole || *permits < 0 || *permits > definition_limits::permits)
      return problem{errc::invalid, "'permits' is a whole number from 0 to 1000000, or null"};
    asked.permits = permits->get<std::uint32_t>();
  }
  state->engine().set_pool(
      std::move(asked), caller_of(request, reason),
      answer_with<operation_answer>(state, reply,
                                    [](api_state&, const operation_answer& answer) -> result<json> {
                                      return json{{"affected", answer.affected}};
                                    }));
  return ok();
}

/// "r12/train:DEU" for the holder of a permit; by numbers when its run is gone.
std::string holder_ref(const store_view& view, const instance_key& key) {
  const auto run = view.rows.run(key.run);
  if (run && run.value()) {
    const auto definition = view.definition_of(*run.value());
    const auto row = view.rows.instance(key);
    if (definition && row && row.value())
      return objects::instance_ref(*definition.value(), *row.value());
  }
  return to_string(key.run) + '/' + std::to_string(key.task);
}

result<json> list_permits(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"project", "pool", "run", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  const store_view view{state};
  BOOST_OUTCOME_TRY(permits, view.rows.permits());
  std::optional<run_id> run;
  if (const auto text = query_text(request, "run"); !text.empty()) {
    BOOST_OUTCOME_TRY(found, find_run(view, text));
    run = found.id;
  }
  const auto project = query_text(request, "project");
  const auto pool = query_text(request, "pool");
  std::vector<std::pair<std::string, json>> found;
  for (const auto& one : permits) {
    if ((!project.empty() && one.project != project) || (!pool.empty() && one.pool != pool) ||
        (run && one.holder.run != *run))
      continue;
    auto order = keys::permit({one.project, one.pool, one.holder, one.attempt});
    std::string name;
    for (const char c : order) { // As text: a cursor travels in a URL.
      static constexpr char digits[] = "0123456789abcdef";
      name += digits[static_cast<unsigned char>(c) >> 4U];
      name += digits[static_cast<unsigned char>(c) & 15U];
    }
    found.emplace_back(std::move(name), objects::permit(one, holder_ref(view, one.holder)));
  }
  return page_by_name(ask, std::move(found));
}

result<json> list_channels(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"project", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  const store_view view{state};
  BOOST_OUTCOME_TRY(projects, view.rows.projects());
  const auto wanted = query_text(request, "project");
  std::vector<std::pair<std::string, json>> found;
  for (const auto& [project, text] : projects) {
    if (!wanted.empty() && project != wanted)
      continue;
    BOOST_OUTCOME_TRY(settings, settings_from_canonical_json(text));
    for (const auto& [name, channel] : settings.channels) {
      json command = json::array();
      for (const auto& word : channel.command)
        command.push_back(word);
      found.emplace_back(project + '.' + name, json{{"id", project + '.' + name},
                                                    {"project", project},
                                                    {"channel", name},
                                                    {"log", channel.log},
                                                    {"command", std::move(command)}});
    }
  }
  return page_by_name(ask, std::move(found));
}

result<json> list_audit(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(
      request, {"object", "workflow", "run", "since", "from", "to", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  const store_view view{state};
  BOOST_OUTCOME_TRY(asked, audit_query::of(request, view.now()));
  return filled_page(
      ask, [&](const page_request& part) { return view.rows.list_audit(asked.filter(), part); },
      [&](const audit_record& record) -> result<json> {
        return asked.passes(record) ? objects::audit(record) : json();
      });
}

} // namespace

void add_resources(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"GET", "/api/v1/pools", "Lists pools with what is used and queued.",
                   [state](const http_request& request, const reply_function& reply) {
                     list_pools(state, request, reply);
                   }});
  table.push_back({"POST", "/api/v1/pools",
                   "Sets the size of a pool, or resets it to pinion.yaml's.",
                   [state](const http_request& request, const reply_function& reply) {
                     if (const auto asked = set_pool(state, request, reply); !asked)
                       reply(error_reply(asked.error()));
                   }});
  table.push_back({"GET", "/api/v1/permits", "Lists the permits that attempts hold.",
                   answering(state, list_permits)});
  table.push_back({"GET", "/api/v1/channels", "Lists the channels of alarms.",
                   answering(state, list_channels)});
  table.push_back({"GET", "/api/v1/audit", "Lists what people changed, newest first.",
                   answering(state, list_audit)});
}

} // namespace pinion::routes
