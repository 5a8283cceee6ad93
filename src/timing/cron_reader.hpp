#pragma once

#include <pinion/timing/cron.hpp>
#include <span>

namespace pinion {

enum class field_kind : std::uint8_t { plain, day_of_month, day_of_week, year };

/// What may stand in one field of an expression.
struct field_rule {
  std::string_view name;
  unsigned least;
  unsigned most;
  cron_dialect dialect;
  field_kind kind = field_kind::plain;
  /// Full names, the first of which is `first_named`; three letters are enough.
  std::span<const std::string_view> names = {};
  unsigned first_named = 0;

  bool quartz() const noexcept { return dialect == cron_dialect::quartz; }
  bool is_day() const noexcept {
    return kind == field_kind::day_of_month || kind == field_kind::day_of_week;
  }
  /// The number of distinct values: seven weekdays, although unix numbers them 0-7.
  unsigned cycle() const noexcept { return kind == field_kind::day_of_week ? 7 : most - least + 1; }
};

/// Values of a field: bit n stands for n, and for 1970 + n among years.
using value_set = year_set;

/// One field of the text, read from left to right.
class field_reader {
public:
  /// `column` is where `field` begins in the whole expression, from 1.
  field_reader(const field_rule& rule, std::string_view field, std::size_t column) noexcept
      : rule_{rule}, field_{field}, column_{column} {}

  const field_rule& rule() const noexcept { return rule_; }
  bool done() const noexcept { return at_ == field_.size(); }
  char peek() const noexcept { return done() ? '\0' : field_[at_]; }
  std::size_t position() const noexcept { return at_; }

  /// Is `c`, a capital, next, in either case?
  bool is_next(char c) const noexcept { return peek() == c || peek() == (c | 0x20); }

  /// Steps over `c` if it is next; a letter (a capital) in either case.
  bool accept(char c) noexcept;

  /// What was read from `begin` on.
  std::string_view since(std::size_t begin) const noexcept {
    return field_.substr(begin, at_ - begin);
  }

  problem error(std::string message, std::string mend = {}) const {
    return error_at(at_, std::move(message), std::move(mend));
  }
  problem error_at(std::size_t at, std::string message, std::string mend = {}) const;

  /// What stands here up to the next comma, quoted for a message.
  std::string rest() const;

  /// A whole number between `least` and `most`, called `what` in messages. Numbers beyond `huge`
  /// are not told apart from it.
  static constexpr unsigned huge = 10'000;
  result<unsigned> number(std::string_view what, unsigned least, unsigned most);

  /// A value of the field: a number or a name.
  result<unsigned> value();

  /// `/n` if it is next, else 1.
  result<unsigned> step();

  /// `*`, `?`, `a`, `a-b`, with or without a step.
  result<value_set> values();

  /// Calls `item` for each element of the comma list.
  template <class ReadItem>
  result<void> list(ReadItem item) {
    do {
      if (done() || peek() == ',')
        return error("a value is missing", "remove the comma");
      BOOST_OUTCOME_TRY(item());
    } while (accept(','));
    if (!done())
      return error(rest() + " is not expected here",
                   "separate values by commas, a range by -, a step by /");
    return ok();
  }

private:
  std::string mend_of(unsigned value, std::string_view what) const;
  result<value_set> range_from(unsigned first, std::size_t begin);

  const field_rule& rule_;
  std::string_view field_;
  std::size_t column_;
  std::size_t at_ = 0;
};

} // namespace pinion
