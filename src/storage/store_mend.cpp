#include "pinion/storage/store_mend.hpp"

#include "pinion/storage/data_folder.hpp"
#include "pinion/storage/rocks_kv.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <future>

namespace pinion {

result<std::size_t> mend_store(const std::filesystem::path& folder,
                               const std::vector<store_finding>& findings, const std::string& who,
                               instant now) {
  kv_batch all;
  std::size_t mended = 0;
  for (const auto& each : findings) {
    all.writes.insert(all.writes.end(), each.repair.writes.begin(), each.repair.writes.end());
    mended += each.repair.empty() ? 0 : 1;
  }
  if (mended == 0)
    return mended;
  BOOST_OUTCOME_TRY(locked, data_folder::open_existing(folder));
  BOOST_OUTCOME_TRY(kv, rocks_kv::open({locked.database(), locked.mirror(), durability::sync}));
  BOOST_OUTCOME_TRY(last, store_reader{*kv}.last_audit());
  audit_record audit;
  audit.sequence = last + 1;
  audit.at = now;
  audit.who = who;
  audit.verb = "store mend";
  audit.object = "store";
  audit.details = "{\"findings\":" + std::to_string(mended) + "}";
  put_audit(all, audit);
  std::promise<result<std::uint64_t>> answer;
  auto answered = answer.get_future();
  kv->commit(std::move(all),
             [&answer](result<std::uint64_t> number) { answer.set_value(std::move(number)); });
  BOOST_OUTCOME_TRYV(answered.get());
  BOOST_OUTCOME_TRYV(kv->close());
  return mended;
}

} // namespace pinion
