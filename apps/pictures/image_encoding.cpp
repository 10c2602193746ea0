#include "apps/pictures/image_encoding.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "core/error.hpp"

namespace mano {

namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The value of name="value" in a tag; empty where it has none.
std::string_view attribute(std::string_view tag, std::string_view name) {
  for (std::size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const std::size_t quote = at + name.size() + 1;
    const bool found = at > 0 && (tag[at - 1] == ' ' || tag[at - 1] == '\n' || tag[at - 1] == '\t') &&
                       quote < tag.size() && tag[quote - 1] == '=';
    if (found) return tag.substr(quote + 1, tag.find(tag[quote], quote + 1) - quote - 1);
  }
  return {};
}

std::string_view tag_at(std::string_view text, std::size_t at) {
  return text.substr(at, text.find('>', at) - at);
}

// Base64 digits for so many bytes, without what fills them up.
std::uint64_t digits_for(std::uint64_t bytes) {
  return bytes / 3 * 4 + (bytes % 3 * 8 + 5) / 6;
}

std::size_t leading_digits(std::string_view data) {
  return std::min(data.find_first_not_of(kDigits), data.size());
}

struct Encoding {
  std::size_t word = 4;  // bytes of a number before the data
  bool big_endian = false;
  bool base64 = true;
};

// Number `index` of those before the data.
std::uint64_t word_in(std::string_view data, std::size_t index, const Encoding& encoding) {
  std::uint64_t word = 0;
  for (std::size_t byte = 0; byte < encoding.word; ++byte) {
    const std::size_t at = index * encoding.word + byte;
    std::uint64_t value = 0;
    for (std::size_t bit = 8 * at; bit < 8 * at + 8 && encoding.base64; ++bit)
      value = value << 1 | (kDigits.find(data[bit / 6]) >> (5 - bit % 6) & 1);
    if (!encoding.base64) value = static_cast<unsigned char>(data[at]);
    word |= value << 8 * (encoding.big_endian ? encoding.word - 1 - byte : byte);
  }
  return word;
}

bool holds_words(std::string_view data, std::size_t count, const Encoding& encoding) {
  const std::size_t bytes = count * encoding.word;
  return encoding.base64 ? leading_digits(data) >= digits_for(bytes) : data.size() >= bytes;
}

// Base64 without compression: the number of bytes, then these.
bool is_whole(std::string_view data, const Encoding& encoding) {
  if (!holds_words(data, 1, encoding)) return false;
  const std::uint64_t bytes = word_in(data, 0, encoding);
  if (bytes > data.size()) return false;
  const std::size_t digits = leading_digits(data);
  if (digits > digits_for(encoding.word)) return digits >= digits_for(encoding.word + bytes);
  data.remove_prefix(digits);  // the number by itself
  data.remove_prefix(std::min(data.find_first_not_of('='), data.size()));
  return leading_digits(data) >= digits_for(bytes);
}

// Compressed: the number of blocks, their size, and that of a last one that is not full.
bool is_in_blocks(std::string_view data, const Encoding& encoding) {
  if (!holds_words(data, 3, encoding)) return false;
  const std::uint64_t blocks = word_in(data, 0, encoding);
  const std::uint64_t size = word_in(data, 1, encoding);
  const std::uint64_t last = word_in(data, 2, encoding);
  constexpr double kMostDense = 1100;  // zlib reaches 1032
  const double most = kMostDense * static_cast<double>(data.size());
  const double bytes =
      static_cast<double>(blocks - (blocks > 0 && last > 0 ? 1 : 0)) * static_cast<double>(size);
  return blocks == 0 ||
         (size > 0 && size <= 1U << 30 && last <= size && blocks <= data.size() && bytes <= most);
}

// Where the data of an array begin; beyond the text where they are nowhere in it.
std::size_t appended_at(std::string_view text, std::size_t end, std::string_view offset) {
  const std::size_t mark = text.find('_', std::min(text.find('>', end), text.size()));
  std::size_t number = 0;
  const auto [next, error] = std::from_chars(offset.data(), offset.data() + offset.size(), number);
  const bool known = mark != std::string_view::npos && error == std::errc() && number < text.size();
  return known ? mark + 1 + number : text.size();
}

}  // namespace

void check_image_encoding(const std::string& file, const std::string& path) {
  const std::string_view text = file;
  const std::string_view head = tag_at(text, std::min(text.find("<VTKFile"), text.size()));
  const bool compressed = !attribute(head, "compressor").empty();
  const std::size_t word = attribute(head, "header_type") == "UInt64" ? 8 : 4;
  const bool big_endian = attribute(head, "byte_order") == "BigEndian";
  const std::size_t end = std::min(text.find("<AppendedData"), text.size());
  const bool raw = attribute(tag_at(text, end), "encoding") == "raw";
  for (std::size_t at = text.find("<DataArray"); at < end; at = text.find("<DataArray", at + 1)) {
    const std::string_view tag = tag_at(text, at);
    const std::string_view format = attribute(tag, "format");
    const bool appended = format == "appended";
    const Encoding encoding{word, big_endian, !(appended && raw)};
    if ((format != "binary" && !appended) || (!encoding.base64 && !compressed)) continue;
    std::size_t begin = appended ? appended_at(text, end, attribute(tag, "offset")) : at + tag.size() + 1;
    if (!appended) begin = text.find_first_not_of(" \t\r\n", begin);
    const std::string_view data = text.substr(std::min(begin, text.size()));
    check(compressed ? is_in_blocks(data, encoding) : is_whole(data, encoding),
          "{}: the {} of array '{}' is damaged, or shorter than it says", path,
          encoding.base64 ? "base64" : "compressed form", attribute(tag, "Name"));
  }
}

}  // namespace mano
