#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <unistd.h>

namespace pinion::test {

/// While it lives this process may not enter `folder`. What root may do anyway is done as nobody:
/// to whom folders above must be open.
class locked_out {
public:
  explicit locked_out(std::filesystem::path folder)
      : folder_{std::move(folder)}, root_{::geteuid() == 0},
        before_{std::filesystem::status(folder_).permissions()} {
    std::filesystem::permissions(folder_, root_ ? std::filesystem::perms::owner_all
                                                : std::filesystem::perms::none);
    REQUIRE((!root_ || ::seteuid(uid_t{65534}) == 0));
  }
  locked_out(const locked_out&) = delete;
  locked_out& operator=(const locked_out&) = delete;
  ~locked_out() {
    if (root_)
      static_cast<void>(::seteuid(0));
    std::filesystem::permissions(folder_, before_);
  }

private:
  std::filesystem::path folder_;
  bool root_;
  std::filesystem::perms before_;
};

} // namespace pinion::test
