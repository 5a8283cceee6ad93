#include "pinion/storage/epoch.hpp"

#include "pinion/model/mutation.hpp"
#include "pinion/storage/keys.hpp"
#include "storage/byte_order.hpp"

namespace pinion {

result<std::uint64_t> current_epoch(const kv_reader& rows) {
  BOOST_OUTCOME_TRY(row, rows.get(family::meta, keys::epoch));
  if (!row)
    return std::uint64_t{0};
  if (row->size() != 8)
    return problem{errc::corrupt, "the store's epoch is not a number of 8 bytes", {}};
  return read_little(*row);
}

void next_epoch(kv_port& rows, std::function<void(result<std::uint64_t>)> done) {
  const auto last = current_epoch(rows);
  if (!last)
    return done(last);
  const auto epoch = last.assume_value() + (PINION_MUTATION("reuse_epoch") ? 0U : 1U);
  kv_batch batch;
  batch.put(family::meta, std::string{keys::epoch}, little_u64(epoch));
  rows.commit(std::move(batch), [epoch, done = std::move(done)](result<std::uint64_t> committed) {
    if (!committed)
      return done(std::move(committed));
    done(epoch);
  });
}

} // namespace pinion
