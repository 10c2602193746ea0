#include "apps/pictures/image_base64.hpp"

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

// The number of bytes, which stands before them.
std::uint64_t length_in(std::string_view data, std::size_t header, bool big_endian) {
  std::uint64_t length = 0;
  for (std::size_t byte = 0; byte < header; ++byte) {
    std::uint64_t value = 0;
    for (std::size_t bit = 8 * byte; bit < 8 * byte + 8; ++bit)
      value = value << 1 | (kDigits.find(data[bit / 6]) >> (5 - bit % 6) & 1);
    length |= value << 8 * (big_endian ? header - 1 - byte : byte);
  }
  return length;
}

bool is_whole(std::string_view data, std::size_t header, bool big_endian) {
  data.remove_prefix(std::min(data.find_first_not_of(" \t\r\n"), data.size()));
  std::size_t digits = leading_digits(data);
  if (digits < digits_for(header)) return false;
  const std::uint64_t bytes = length_in(data, header, big_endian);
  if (bytes > data.size()) return false;
  if (digits > digits_for(header)) return digits >= digits_for(header + bytes);
  data.remove_prefix(digits);  // a header by itself
  data.remove_prefix(std::min(data.find_first_not_of('='), data.size()));
  digits = leading_digits(data);
  return digits >= digits_for(bytes);
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

void check_image_base64(const std::string& file, const std::string& path) {
  const std::string_view text = file;
  const std::string_view head = tag_at(text, std::min(text.find("<VTKFile"), text.size()));
  if (!attribute(head, "compressor").empty()) return;
  const std::size_t header = attribute(head, "header_type") == "UInt64" ? 8 : 4;
  const bool big_endian = attribute(head, "byte_order") == "BigEndian";
  const std::size_t end = std::min(text.find("<AppendedData"), text.size());
  const bool in_base64 = attribute(tag_at(text, end), "encoding") == "base64";
  for (std::size_t at = text.find("<DataArray"); at < end; at = text.find("<DataArray", at + 1)) {
    const std::string_view tag = tag_at(text, at);
    const std::string_view format = attribute(tag, "format");
    const bool appended = format == "appended" && in_base64;
    if (format != "binary" && !appended) continue;
    const std::size_t begin =
        appended ? appended_at(text, end, attribute(tag, "offset")) : at + tag.size() + 1;
    check(begin < text.size() && is_whole(text.substr(begin), header, big_endian),
          "{}: the base64 of array '{}' is damaged, or shorter than it says", path, attribute(tag, "Name"));
  }
}

}  // namespace mano
