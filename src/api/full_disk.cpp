#include "pinion/api/full_disk.hpp"

#include "api/json.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pinion {
namespace {

constexpr unsigned insufficient_storage = 507;

http_reply json_507(const json& body) {
  http_reply made;
  made.status = insufficient_storage;
  made.body = to_text(body);
  return made;
}

http_reply refusal(const std::string& why) {
  return json_507(json{{"error",
                        {{"code", "disk_full"},
                         {"message", why},
                         {"suggestion", "Make room; the engine goes on by itself"},
                         {"details", json::array()}}}});
}

bool is_post(const route& of, std::string_view path) {
  return of.method == "POST" && of.pattern == path;
}

/// Whether a request to this route always makes new work.
bool makes_work(const route& of) {
  static constexpr std::array<std::string_view, 4> paths{"/api/v1/trigger", "/api/v1/apply",
                                                         "/api/v1/backfills", "/api/v1/run"};
  return std::any_of(paths.begin(), paths.end(), [&](auto path) { return is_post(of, path); });
}

bool asks_for_rerun(const http_request& request) {
  const auto body = json::parse(request.body, nullptr, false);
  return body.is_object() && body.value("operation", json()) == "rerun";
}

/// Changes the object that a handler answers with; what is no object goes through as it is.
reply_function changed(const reply_function& reply, std::function<void(http_reply&, json&)> how) {
  return [reply, how = std::move(how)](http_reply answer) {
    auto body = json::parse(answer.body, nullptr, false);
    if (body.is_object() && !body.contains("error")) {
      how(answer, body);
      answer.body = to_text(body);
    }
    reply(std::move(answer));
  };
}

void tell_health(const std::string& why, http_reply& answer, json& body) {
  body["disk_full"] = !why.empty();
  if (why.empty())
    return;
  answer.status = insufficient_storage;
  body["problems"].push_back(why);
}

void tell_why(const std::string& why, json& body) {
  const auto state = body.value("state", json());
  if (why.empty() || (state != "pre_ready" && state != "ready") || !body.contains("blocked_by"))
    return;
  auto& causes = body["blocked_by"];
  causes.insert(causes.begin(), json{{"kind", "disk"},
                                     {"ref", "engine"},
                                     {"message", why},
                                     {"since", nullptr},
                                     {"until", nullptr}});
}

route guarded(const route& usual, const disk_full_sentence& full) {
  auto made = usual;
  const auto handle = usual.handle;
  if (makes_work(usual))
    made.handle = [handle, full](http_request request, const reply_function& reply) {
      const auto why = full();
      why.empty() ? handle(std::move(request), reply) : reply(refusal(why));
    };
  else if (is_post(usual, "/api/v1/operations"))
    made.handle = [handle, full](http_request request, const reply_function& reply) {
      const auto why = full();
      const bool takes = why.empty() || !asks_for_rerun(request);
      takes ? handle(std::move(request), reply) : reply(refusal(why));
    };
  else if (usual.pattern == "/api/v1/health")
    made.handle = [handle, full](http_request request, const reply_function& reply) {
      handle(std::move(request), changed(reply, [full](auto& answer, auto& body) {
               tell_health(full(), answer, body);
             }));
    };
  else if (usual.pattern == "/api/v1/why")
    made.handle = [handle, full](http_request request, const reply_function& reply) {
      handle(std::move(request),
             changed(reply, [full](auto&, auto& body) { tell_why(full(), body); }));
    };
  return made;
}

} // namespace

router refusing_when_full(const router& usual, disk_full_sentence full) {
  std::vector<route> table;
  for (const auto& each : usual.routes())
    table.push_back(guarded(each, full));
  return router{std::move(table)};
}

router full_disk_only(const router& usual, const std::string& why) {
  std::vector<route> table;
  for (auto each : usual.routes()) {
    if (each.pattern == "/api/v1/health")
      each.handle = [why](const http_request&, const reply_function& reply) {
        json body{{"ready", false}};
        // What only the store could tell.
        for (const auto* unknown :
             {"held", "epoch", "live_runs", "slots", "busy", "started_at", "recovery_s"})
          body[unknown] = nullptr;
        body["problems"] = json::array({why});
        body["disk_full"] = true;
        reply(json_507(body));
      };
    else
      each.handle = [why](const http_request&, const reply_function& reply) {
        reply(refusal(why));
      };
    table.push_back(std::move(each));
  }
  return router{std::move(table)};
}

} // namespace pinion
