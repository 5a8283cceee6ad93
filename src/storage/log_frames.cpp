#include "storage/log_frames.hpp"

#include "storage/byte_order.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>

namespace pinion {
namespace {

constexpr std::size_t block_bytes = 32768;
constexpr std::size_t header_bytes = 7;
constexpr unsigned char full_type = 1;  ///< A record in one piece.
constexpr unsigned char first_type = 2; ///< The first piece of one; those in between have 3.
constexpr unsigned char last_type = 4;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t rest = i;
    for (int bit = 0; bit < 8; ++bit)
      rest = (rest >> 1U) ^ ((rest & 1U) != 0 ? 0x82f63b78U : 0U); // Castagnoli's, reflected.
    table[i] = rest;
  }
  return table;
}

constexpr auto crc_table = make_crc_table();

/// As RocksDB stores it: masked, as it may stand in data that is summed again.
std::uint32_t masked_crc32c(std::string_view bytes) noexcept {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes)
    crc = crc_table[(crc ^ static_cast<unsigned char>(byte)) & 0xffU] ^ (crc >> 8U);
  crc = ~crc;
  return ((crc >> 15U) | (crc << 17U)) + 0xa282ead8U;
}

/// The bytes of the record at the beginning of `rest`, what is left of a block; 0: no whole one.
std::size_t record_bytes(std::string_view rest) noexcept {
  if (rest.size() < header_bytes)
    return 0;
  const auto length = static_cast<std::size_t>(read_little(rest.substr(4, 2)));
  const auto type = static_cast<unsigned char>(rest[6]);
  if (type == 0 || type > last_type || length > rest.size() - header_bytes)
    return 0;
  const auto summed = rest.substr(6, 1 + length);
  return read_little(rest.substr(0, 4)) == masked_crc32c(summed) ? header_bytes + length : 0;
}

} // namespace

std::uintmax_t whole_bytes(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::string buffer(block_bytes, '\0');
  std::uintmax_t whole = 0;
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const std::string_view block{buffer.data(), static_cast<std::size_t>(in.gcount())};
    std::size_t at = 0;
    while (const auto record = record_bytes(block.substr(at)))
      at += record;
    const auto trailer = block.substr(at);
    whole += at;
    if (block.size() < block_bytes || trailer.size() >= header_bytes ||
        !std::all_of(trailer.begin(), trailer.end(), [](char byte) { return byte == '\0'; }))
      break;
    whole += trailer.size();
  }
  return whole;
}

bool begins_behind(const std::filesystem::path& file, std::uintmax_t offset) {
  std::ifstream in{file, std::ios::binary};
  const auto in_block = static_cast<std::size_t>(offset % block_bytes);
  in.seekg(static_cast<std::streamoff>(offset - in_block));
  std::string buffer(block_bytes, '\0');
  for (auto at = in_block + 1; in; at = 0) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const std::string_view block{buffer.data(), static_cast<std::size_t>(in.gcount())};
    // At each byte: the length of a damaged record says nothing.
    for (; at + header_bytes <= block.size(); ++at) {
      const auto type = static_cast<unsigned char>(block[at + 6]);
      if ((type == full_type || type == first_type) && record_bytes(block.substr(at)) != 0)
        return true;
    }
  }
  return false;
}

} // namespace pinion
