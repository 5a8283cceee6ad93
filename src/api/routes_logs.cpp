#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "pinion/execution/log_reader.hpp"
#include "pinion/timing/duration_text.hpp"

#include <charconv>

namespace pinion::routes {
namespace {

struct asked_log {
  found_attempt of;
  std::string ref; ///< "r1/load#2"
};

result<asked_log> find_log(const store_view& view, const http_request& request) {
  BOOST_OUTCOME_TRY(ref, parse_reference(query_text(request, "ref")));
  BOOST_OUTCOME_TRY(number, query_number(request, "attempt", 1, 0xffff'ffffU, 0));
  if (number != 0)
    ref.attempt = static_cast<std::uint32_t>(number);
  BOOST_OUTCOME_TRY(found, find_attempt(view, ref));
  auto name = objects::instance_ref(*found.definition, found.instance) + '#' +
              std::to_string(found.attempt.number);
  return asked_log{std::move(found), std::move(name)};
}

/// An attempt that never started a process has an empty log.
result<log_chunk> read_log(api_state& state, const asked_log& asked, const http_request& request) {
  BOOST_OUTCOME_TRY(offset, query_number(request, "offset", 0, ~std::uint64_t{0} >> 1U, 0));
  BOOST_OUTCOME_TRY(limit, query_number(request, "limit", 1, log_reader::max_chunk_bytes,
                                        log_reader::max_chunk_bytes));
  BOOST_OUTCOME_TRY(tail, query_number(request, "tail", 0, 1'000'000'000, ~std::uint64_t{0}));
  const auto reader = log_reader::open(state.engine().data_folder(), asked.of.attempt.instance,
                                       asked.of.attempt.number);
  if (!reader)
    return reader.error().code == errc::not_found ? result<log_chunk>{log_chunk{}}
                                                  : result<log_chunk>{reader.error()};
  auto from = offset;
  if (const auto since = query_text(request, "since"); !since.empty()) {
    BOOST_OUTCOME_TRY(back, parse_duration(since));
    BOOST_OUTCOME_TRY(begin, reader.value().offset_since(state.now() - back));
    from = std::max(from, begin);
  }
  if (tail != ~std::uint64_t{0}) {
    BOOST_OUTCOME_TRY(begin, reader.value().tail_offset(tail));
    from = std::max(from, begin);
  }
  return reader.value().read(from, limit);
}

http_reply log_reply(const asked_log& asked, log_chunk chunk) {
  http_reply reply;
  reply.content_type = "application/octet-stream";
  reply.body = std::move(chunk.bytes);
  const bool ended = asked.of.attempt.state == attempt_state::ended;
  reply.headers = {{"Pinion-Attempt", asked.ref},
                   {"Pinion-Ended", ended ? "true" : "false"},
                   {"Pinion-Offset", std::to_string(chunk.offset)},
                   {"Pinion-Next-Offset", std::to_string(chunk.next_offset)},
                   {"Pinion-Size", std::to_string(chunk.size)},
                   {"Pinion-Cut-Bytes", std::to_string(chunk.cut_bytes)}};
  return reply;
}

void get_log(const api_ptr& state, const http_request& request, const reply_function& reply) {
  if (const auto known =
          check_query(request, {"ref", "attempt", "offset", "limit", "tail", "since"});
      !known)
    return reply(error_reply(known.error()));
  // The row before the bytes: if it says ended, the bytes that follow are all there will be.
  const store_view view{*state};
  auto asked = find_log(view, request);
  if (!asked)
    return reply(error_reply(asked.error()));
  auto chunk = read_log(*state, asked.value(), request);
  reply(chunk ? log_reply(asked.value(), std::move(chunk.value())) : error_reply(chunk.error()));
}

result<std::vector<std::uint64_t>> asked_offsets(const http_request& request) {
  std::vector<std::uint64_t> offsets;
  const auto text = query_text(request, "offsets");
  for (const char *at = text.data(), *end = at + text.size(); at != end;) {
    std::uint64_t offset = 0;
    const auto [next, failed] = std::from_chars(at, end, offset);
    const bool ordered = offsets.empty() || offset >= offsets.back();
    if (failed != std::errc{} || !ordered || (next != end && *next != ',') ||
        offsets.size() == 1000)
      return problem{errc::invalid,
                     "'offsets' must be at most 1000 ascending numbers with commas between"};
    offsets.push_back(offset);
    at = next == end ? end : next + 1;
  }
  return offsets;
}

result<json> get_times(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"ref", "attempt", "offsets"}));
  BOOST_OUTCOME_TRY(offsets, asked_offsets(request));
  const store_view view{state};
  BOOST_OUTCOME_TRY(asked, find_log(view, request));
  BOOST_OUTCOME_TRY(reader, log_reader::open(state.engine().data_folder(),
                                             asked.of.attempt.instance, asked.of.attempt.number));
  BOOST_OUTCOME_TRY(times, reader.times_of(offsets));
  json items = json::array();
  for (std::size_t i = 0; i < times.size() && i < offsets.size(); ++i)
    items.push_back({{"offset", offsets[i]}, {"at", objects::time(times[i])}});
  return objects::list(std::move(items), {});
}

} // namespace

void add_logs(std::vector<route>& table, const api_ptr& state) {
  table.push_back(
      {"GET", "/api/v1/logs",
       "Bytes of an attempt's log: a range, the last lines, or what was written lately.",
       [state](const http_request& request, const reply_function& reply) {
         get_log(state, request, reply);
       }});
  table.push_back({"GET", "/api/v1/logs/times", "When the bytes at given offsets were written.",
                   answering(state, get_times)});
}

} // namespace pinion::routes
