#include "pinion/storage/store_check.hpp"

#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/storage/epoch.hpp"
#include "pinion/storage/expiry.hpp"
#include "pinion/storage/kept_requests.hpp"
#include "pinion/storage/rows.hpp"
#include "storage/byte_order.hpp"
#include "storage/store_checker.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace pinion {
namespace {

/// Rows held at a time.
constexpr std::size_t chunk_rows = 512;
constexpr std::size_t chunk_bytes = std::size_t{4} << 20U;

constexpr const char* restore_mend =
    "restore a backup: pinionctl store restore; or report it with this line";

const char* kind_of_definition(char tag) noexcept {
  switch (tag) {
  case 'w':
    return "workflows";
  case 'v':
    return "versions";
  case 't':
    return "triggers";
  case 'p':
    return "projects";
  case 'u':
    return "trigger cursors";
  case 'x':
    return "task switches";
  case 'z':
    return "version starts";
  default:
    return "unknown definitions";
  }
}

/// Which invariant a row that is derived from others serves, and what it is called.
std::pair<int, std::string> served_by(family in, std::string_view key) {
  if (in == family::live)
    return {6, "live"};
  if (in == family::slots && !key.empty() && key.front() == 'n')
    return {2, "natural_key"};
  if (in == family::slots)
    return {1, "plan"};
  return {0, "index"};
}

} // namespace

std::string printed_key(family in, std::string_view key) {
  constexpr auto digits = "0123456789abcdef";
  auto text = std::string{to_string(in)} + '/';
  for (const char byte : key) {
    const auto code = static_cast<unsigned char>(byte);
    if (code > 0x20 && code < 0x7f && byte != '\\') {
      text += byte;
      continue;
    }
    text += "\\x";
    text += digits[code >> 4U];
    text += digits[code & 15U];
  }
  return text;
}

std::string name_of(const run_record& run) {
  return to_string(run.id) + " of " + run.workflow + '/' + run.trigger;
}

bool store_check_report::ok() const noexcept {
  return more_findings == 0 &&
         std::all_of(findings.begin(), findings.end(), [](const auto& each) { return each.note; });
}

result<store_check_report> check_store(const kv_reader& rows, const store_check_readers& readers,
                                       store_check_limits limits) {
  return store_checker{rows, readers, limits}.check();
}

result<store_check_report> store_checker::check() {
  using part = result<void> (store_checker::*)();
  // Counters last but for the audit: what must stand in them is known once all rows are read.
  constexpr std::array<part, 10> parts{
      &store_checker::check_meta,       &store_checker::check_definitions,
      &store_checker::check_runs,       &store_checker::check_owners,
      &store_checker::check_live,       &store_checker::check_permits,
      &store_checker::check_slots,      &store_checker::check_index,
      &store_checker::compare_counters, &store_checker::check_audit};
  for (const auto each : parts) {
    if (spent())
      break;
    BOOST_OUTCOME_TRYV((this->*each)());
  }
  std::erase_if(report_.rows, [](const auto& kind) { return kind.second == 0; });
  std::erase_if(report_.bytes, [](const auto& kind) { return kind.second == 0; });
  return std::move(report_);
}

result<void> store_checker::each_row(family in, std::string_view prefix, const std::string& kind,
                                     const std::function<result<void>(const one_row&)>& look) {
  std::string from{prefix};
  const auto to = keys::after(from);
  std::vector<one_row> chunk;
  auto& rows = report_.rows[kind];
  auto& bytes = report_.bytes[kind];
  bool more = true;
  while (more && !spent()) {
    chunk.clear();
    std::size_t held = 0;
    more = false;
    BOOST_OUTCOME_TRYV(rows_.scan(in, from, to, [&](std::string_view key, std::string_view value) {
      more = chunk.size() >= chunk_rows || held >= chunk_bytes;
      if (more)
        return false;
      chunk.emplace_back(key, value);
      held += key.size() + value.size();
      return true;
    }));
    for (const auto& each : chunk) {
      if (looked_at_++ >= limits_.rows) {
        report_.complete = false;
        return ok();
      }
      ++rows;
      bytes += each.first.size() + each.second.size();
      BOOST_OUTCOME_TRYV(look(each));
    }
    if (!chunk.empty())
      from = chunk.back().first + '\0';
  }
  return ok();
}

result<std::vector<store_checker::one_row>> store_checker::rows_with(family in,
                                                                     const std::string& prefix) {
  std::vector<one_row> all;
  BOOST_OUTCOME_TRYV(rows_.scan(in, prefix, keys::after(prefix),
                                [&](std::string_view key, std::string_view value) {
                                  all.emplace_back(key, value);
                                  return true;
                                }));
  return all;
}

result<std::optional<std::string>> store_checker::value_at(family in, std::string_view key) {
  return rows_.get(in, key);
}

store_finding& store_checker::found(int invariant, const char* rule, row_place at,
                                    std::string message, std::string mend) {
  static thread_local store_finding dropped;
  if (report_.findings.size() >= limits_.findings) {
    ++report_.more_findings;
    return dropped = {};
  }
  report_.findings.push_back({invariant,
                              rule,
                              printed_key(at.in, at.key),
                              std::move(message),
                              mend.empty() ? restore_mend : std::move(mend),
                              false,
                              {}});
  return report_.findings.back();
}

void store_checker::unreadable(row_place at, const problem& why) {
  const bool newer = why.code == errc::newer_format;
  found(0, newer ? "row_newer" : "row_damaged", at, why.message, why.suggestion);
}

result<void> store_checker::expect_rows(const kv_batch& written, family but,
                                        std::string_view own_key, const std::string& of) {
  for (const auto& write : written.writes) {
    if (write.what != kv_write::kind::put || (write.in == but && write.key == own_key))
      continue;
    BOOST_OUTCOME_TRY(value, value_at(write.in, write.key));
    if (value && *value == write.value)
      continue;
    const auto [invariant, what] = served_by(write.in, write.key);
    const auto rule = what + (value ? "_wrong" : "_missing");
    auto& missing = found(invariant, rule.c_str(), {write.in, write.key},
                          value ? "the row that " + of + " has here says something else"
                                : of + " has no row here",
                          value && invariant == 2 ? restore_mend : mend_by_repair);
    // Two runs with one natural key: which of them is right no row can tell.
    if (!value || invariant != 2)
      missing.repair.put(write.in, write.key, write.value);
  }
  return ok();
}

void store_checker::count_expected(const kv_batch& written) {
  for (const auto& write : written.writes)
    if (write.what == kv_write::kind::add)
      counters_[write.key] += write.delta;
}

void store_checker::check_derived(row_place at, const kv_batch& written, const std::string& of) {
  const auto is_it = [&](const kv_write& write) {
    return write.what == kv_write::kind::put && write.in == at.in && write.key == at.key;
  };
  if (std::none_of(written.writes.begin(), written.writes.end(), is_it))
    stale(at, of + " stands elsewhere by now");
}

void store_checker::stale(row_place at, const std::string& why) {
  const auto [invariant, what] = served_by(at.in, at.key);
  found(invariant, (what + "_stale").c_str(), at, why, mend_by_repair)
      .repair.erase(at.in, std::string{at.key});
}

result<void> store_checker::check_strangers(family in, std::string_view known) {
  for (int tag = 0; tag < 256; ++tag) {
    const auto first = static_cast<char>(static_cast<unsigned char>(tag));
    if (known.find(first) != std::string_view::npos)
      continue;
    BOOST_OUTCOME_TRYV(each_row(
        in, std::string(1, first), "unknown rows", [this, in](const one_row& at) -> result<void> {
          found(0, "row_unknown", {in, at.first}, "no kind of row has such a key");
          return ok();
        }));
  }
  return ok();
}

result<void> store_checker::compare_counters() {
  for (const auto& [key, wanted] : counters_) {
    BOOST_OUTCOME_TRY(value, value_at(family::index, key));
    std::int64_t has = 0;
    if (value) {
      const auto counter = codecs::decode_counter(*value);
      if (!counter) {
        unreadable({family::index, key}, counter.error());
        continue;
      }
      has = counter.value();
    }
    if (has != wanted)
      found(0, "counter_wrong", {family::index, key},
            "the counter says " + std::to_string(has) + ", the rows say " + std::to_string(wanted),
            mend_by_repair)
          .repair.put(family::index, key, codecs::encode_counter(wanted));
  }
  return ok();
}

// Meta, definitions, audit.

result<void> store_checker::check_meta() {
  return each_row(family::meta, {}, "meta", [&](const one_row& at) -> result<void> {
    const auto& [key, value] = at;
    if (key.starts_with(expiring_rows) && key.size() > expiring_rows.size() + 1 &&
        key[expiring_rows.size()] == 'r') {
      run_id run;
      std::from_chars(key.data() + expiring_rows.size() + 1, key.data() + key.size(), run.value);
      expiring_.insert(keys::run(run));
    }
    if (key.starts_with(kept_request_rows) || key.starts_with(kept_request_ages))
      return check_kept_request(at);
    if (key.starts_with(deleted_workflow_rows))
      return check_deleted(at);
    if (key != runs_given && key != backfills_given && key != keys::format &&
        key != keys::commits && key != keys::epoch)
      return ok();
    if (value.size() != 8)
      found(0, "row_damaged", {family::meta, key}, "the row is not a number of 8 bytes");
    else if (key == keys::epoch)
      epoch_ = read_little(value);
    return ok();
  });
}

// A request and its place in the list by age.
result<void> store_checker::check_kept_request(const one_row& at) {
  const row_place here{family::meta, at.first};
  kv_batch written;
  if (at.first.starts_with(kept_request_rows)) {
    const auto kept = decode_kept_request(at.first, at.second);
    if (!kept) {
      unreadable(here, kept.error());
      return ok();
    }
    put_kept_request(written, kept.value());
    return expect_rows(written, family::meta, at.first, "the kept request " + kept.value().key);
  }
  const auto age = decode_kept_request_age(at.first, at.second);
  if (!age) {
    unreadable(here, age.error());
    return ok();
  }
  const auto kept = find_kept_request(rows_, age.value().who, age.value().key);
  if (!kept && kept.error().code == errc::storage_failure)
    return kept.error();
  if (!kept)
    return ok(); // Found with its own row.
  if (kept.value())
    put_kept_request(written, *kept.value());
  check_derived(here, written, "the kept request " + age.value().key);
  return ok();
}

// What was deleted and erased has no row any more.
result<void> store_checker::check_deleted(const one_row& at) {
  const row_place here{family::meta, at.first};
  const auto workflow = at.first.substr(deleted_workflow_rows.size());
  const auto deleted = find_deleted_workflow(rows_, workflow);
  if (!deleted && deleted.error().code == errc::storage_failure)
    return deleted.error();
  if (!deleted) {
    unreadable(here, deleted.error());
    return ok();
  }
  BOOST_OUTCOME_TRY(row, value_at(family::definitions, keys::workflow(workflow)));
  if (deleted.value() && deleted.value()->erased && row)
    found(0, "deleted_workflow", here, workflow + " is deleted and has a row");
  return ok();
}

result<void> store_checker::check_definitions() {
  constexpr std::string_view tags = "wvtpuxz";
  for (const char tag : tags) {
    BOOST_OUTCOME_TRYV(each_row(family::definitions, std::string(1, tag), kind_of_definition(tag),
                                [&](const one_row& at) { return check_definition_row(at); }));
  }
  return check_strangers(family::definitions, tags);
}

void store_checker::need_workflow(row_place at, const std::string& workflow) {
  const auto row = rows_.get(family::definitions, keys::workflow(workflow));
  if (row && !row.value())
    found(0, "workflow_missing", at, "the row belongs to " + workflow + ", which has no row");
}

result<void> store_checker::check_definition_row(const one_row& at) {
  const auto& [key, value] = at;
  const row_place here{family::definitions, key};
  const auto bad = [&](const problem& why) {
    unreadable(here, why);
    return ok();
  };
  switch (key.front()) {
  case 'w': {
    const auto name = keys::decode_workflow(key);
    if (!name)
      return bad(name.error());
    const auto record = codecs::decode_workflow(name.value(), value);
    if (!record)
      return bad(record.error());
    const auto version = keys::version({name.value(), record.value().version});
    BOOST_OUTCOME_TRY(row, value_at(family::definitions, version));
    if (!row)
      found(0, "version_missing", here,
            name.value() + " is at version " + std::to_string(record.value().version) +
                ", which has no row");
    return ok();
  }
  case 'v': {
    const auto place = keys::decode_version(key);
    if (!place)
      return bad(place.error());
    const auto record = codecs::decode_version(place.value(), value);
    if (!record)
      return bad(record.error());
    need_workflow(here, place.value().workflow);
    if (const auto parsed = readers_.definition(record.value().definition); !parsed)
      found(0, "definition_damaged", here,
            "version " + std::to_string(place.value().version) + " of " + place.value().workflow +
                " cannot be read: " + parsed.error().message);
    return ok();
  }
  case 't':
  case 'u': {
    auto bytes = key;
    bytes.front() = 't'; // A cursor's key is its trigger's.
    const auto place = keys::decode_trigger(bytes);
    if (!place)
      return bad(place.error());
    if (key.front() == 'u') {
      const auto cursor = codecs::decode_counter(value);
      return cursor ? result<void>{ok()} : bad(cursor.error());
    }
    const auto record = codecs::decode_trigger(place.value(), value);
    if (!record)
      return bad(record.error());
    need_workflow(here, place.value().workflow);
    return ok();
  }
  case 'p': {
    const auto name = keys::decode_project(key);
    if (!name)
      return bad(name.error());
    const auto settings = codecs::decode_project(value);
    if (!settings)
      return bad(settings.error());
    if (const auto pools = readers_.pools(settings.value()); !pools)
      found(0, "definition_damaged", here,
            "the settings of " + name.value() + " cannot be read: " + pools.error().message);
    return ok();
  }
  case 'x': {
    const auto place = keys::decode_task_switch(key);
    if (!place)
      return bad(place.error());
    const auto record = codecs::decode_task_switch(place.value(), value);
    if (!record)
      return bad(record.error());
    need_workflow(here, place.value().workflow);
    return ok();
  }
  default: {
    const auto from = codecs::decode_counter(value);
    return from ? result<void>{ok()} : bad(from.error());
  }
  }
}

result<void> store_checker::check_audit() {
  return each_row(family::audit, {}, "audit", [&](const one_row& at) -> result<void> {
    const row_place here{family::audit, at.first};
    const auto sequence = keys::decode_audit(at.first);
    if (!sequence) {
      unreadable(here, sequence.error());
      return ok();
    }
    if (const auto record = codecs::decode_audit(sequence.value(), at.second); !record)
      unreadable(here, record.error());
    // The oldest may be gone with their age; behind the first that is there none is missing.
    if (last_audit_ != 0 && sequence.value() != last_audit_ + 1)
      found(7, "audit_gap", here,
            "the audit goes from " + std::to_string(last_audit_) + " to " +
                std::to_string(sequence.value()));
    last_audit_ = sequence.value();
    return ok();
  });
}

} // namespace pinion
