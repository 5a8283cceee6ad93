#include "api/conditional.hpp"

#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <utility>

namespace pinion {
namespace {

constexpr std::size_t tag_bytes = 16; ///< Of the hash: enough against chance.

std::string_view trimmed(std::string_view text) {
  const auto first = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

} // namespace

std::string entity_tag(std::string_view body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(body.data(), body.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  static constexpr char digits[] = "0123456789abcdef";
  std::string tag{'"'};
  for (std::size_t i = 0; i < tag_bytes; ++i) {
    tag += digits[digest[i] >> 4U];
    tag += digits[digest[i] & 15U];
  }
  return tag + '"';
}

std::vector<std::string> tags_of(std::string_view header) {
  std::vector<std::string> tags;
  while (!header.empty()) {
    const auto comma = std::min(header.find(','), header.size());
    auto one = trimmed(header.substr(0, comma));
    header.remove_prefix(std::min(header.size(), comma + 1));
    if (one.starts_with("W/"))
      one.remove_prefix(2);
    if (one.size() > 1 && one.starts_with('"') && one.ends_with('"'))
      one = one.substr(1, one.size() - 2);
    if (!one.empty())
      tags.emplace_back(one);
  }
  return tags;
}

bool lists_tag(std::string_view header, std::string_view tag) {
  const auto bare = tag.substr(1, tag.size() - 2);
  const auto tags = tags_of(header);
  return std::any_of(tags.begin(), tags.end(),
                     [&](const std::string& one) { return one == "*" || one == bare; });
}

reply_function conditional(const http_request& request, reply_function reply) {
  const auto found = request.headers.find("if-none-match");
  auto known = found == request.headers.end() ? std::string{} : found->second;
  return [known = std::move(known), reply = std::move(reply)](http_reply answer) {
    if (answer.status != 200 || answer.content_type != "application/json")
      return reply(std::move(answer));
    auto& tag = answer.headers["ETag"];
    if (tag.empty())
      tag = entity_tag(answer.body);
    if (lists_tag(known, tag)) {
      answer.status = 304;
      answer.body.clear();
    }
    reply(std::move(answer));
  };
}

} // namespace pinion
