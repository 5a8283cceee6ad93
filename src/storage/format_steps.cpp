#include "pinion/storage/format_steps.hpp"

#include "pinion/storage/keys.hpp"
#include "storage/byte_order.hpp"

#include <future>

namespace pinion {
namespace {

result<void> commit_and_wait(kv_port& rows, kv_batch batch) {
  std::promise<result<std::uint64_t>> answer;
  auto answered = answer.get_future();
  rows.commit(std::move(batch),
              [&answer](result<std::uint64_t> number) { answer.set_value(std::move(number)); });
  BOOST_OUTCOME_TRYV(answered.get());
  return ok();
}

/// The format that the store names.
result<std::uint64_t> format_of(const kv_reader& rows) {
  BOOST_OUTCOME_TRY(row, rows.get(family::meta, keys::format));
  if (!row || row->size() != 8 || read_little(*row) < first_format)
    return problem{errc::corrupt, "the store does not name its format", {}};
  return read_little(*row);
}

/// Carries out the step that leads to `to`, from `place` on.
result<void> carry_out(kv_port& rows, const format_step& step, std::uint64_t to, std::string place,
                       format_upgrade& done) {
  for (;;) {
    kv_batch batch;
    BOOST_OUTCOME_TRY(next, step.next(rows, place, batch));
    if (next && *next <= place)
      return problem{
          errc::corrupt, "the step to format " + std::to_string(to) + " does not get on", {}};
    if (next)
      batch.put(family::meta, std::string{format_step_row}, *next);
    else
      batch.erase(family::meta, std::string{format_step_row});
    BOOST_OUTCOME_TRYV(commit_and_wait(rows, std::move(batch)));
    ++done.batches;
    if (!next)
      return ok();
    place = std::move(*next);
  }
}

} // namespace

const format_steps& known_format_steps() {
  static const format_steps all;
  return all;
}

result<format_upgrade> upgrade_store(kv_port& rows, const format_steps& steps) {
  BOOST_OUTCOME_TRY(format, format_of(rows));
  BOOST_OUTCOME_TRY(place, rows.get(family::meta, format_step_row));
  format_upgrade done;
  done.from = place ? format - 1 : format;
  const auto newest = newest_format(steps);
  if (done.from < first_format || format > newest)
    return problem{errc::corrupt, "the store does not name a format that this program knows", {}};
  while (place || format < newest) {
    if (!place) {
      kv_batch begin;
      begin.put(family::meta, std::string{keys::format}, little_u64(++format));
      begin.put(family::meta, std::string{format_step_row}, {});
      BOOST_OUTCOME_TRYV(commit_and_wait(rows, std::move(begin)));
      ++done.batches;
    }
    BOOST_OUTCOME_TRYV(carry_out(rows, steps[format - first_format - 1], format,
                                 place.value_or(std::string{}), done));
    place.reset();
  }
  done.to = format;
  return done;
}

} // namespace pinion
