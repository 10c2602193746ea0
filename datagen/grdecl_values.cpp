#include "datagen/grdecl_values.hpp"

#include <cctype>
#include <charconv>
#include <utility>

#include "core/error.hpp"

namespace mano {

namespace {

[[noreturn]] void refuse_word(const GrdeclWords::Word& word, const std::string& place) {
  const bool letter = std::isalpha(static_cast<unsigned char>(word.text[0])) != 0;
  if (word.quoted || word.text.starts_with("..") ||
      (letter && word.text.find('.') != std::string_view::npos)) {
    throw InvalidInput(
        fmt::format("{}: '{}' stands where numbers are expected; a file that holds keyword and values is "
                    "read by INCLUDE '{}' / in place of the keyword",
                    place, word.text, word.text));
  }
  if (word.text.ends_with('*'))
    throw InvalidInput(fmt::format("{}: '{}' repeats no value, and there is no default", place, word.text));
  throw InvalidInput(fmt::format("{}: '{}' is not a number", place, word.text));
}

template <typename Number>
bool read_plain(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// Also 1.5D2, as Fortran writes it, and +1.
bool read_fortran(std::string_view text, double& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::string plain(text);
  for (char& c : plain) c = c == 'd' || c == 'D' ? 'e' : c;
  return read_plain(plain, value);
}

// Text behind the keyword on its line, such as a unit, which Eclipse does not read.
bool is_remark(const GrdeclWords::Word& word) {
  return !word.quoted && std::isalpha(static_cast<unsigned char>(word.text[0])) != 0 &&
         word.text.find('.') == std::string_view::npos && !same_keyword(word.text, "nan") &&
         !same_keyword(word.text, "inf");
}

}  // namespace

std::vector<double> grdecl_values(const GrdeclFile& file, const GrdeclSection& section, std::size_t most) {
  std::vector<double> values;
  GrdeclWords words(section.body, section.line);
  GrdeclWords::Word word;
  bool begun = false;
  while (words.next(word) && !word.is_slash()) {
    if (!std::exchange(begun, true) && word.line == section.line && is_remark(word)) {
      words.skip_line();
      continue;
    }
    std::string_view text = word.text;
    std::size_t repeat = 1;
    double value = 0.0;
    const auto star = text.find('*');
    bool read = !word.quoted;
    if (star != std::string_view::npos) {
      read = read && read_plain(text.substr(0, star), repeat);
      text.remove_prefix(star + 1);
    }
    read = read && (read_plain(text, value) || read_fortran(text, value));
    if (!read) refuse_word(word, file.place(section, word.line));
    if (repeat == 0 || repeat > most) {
      throw InvalidInput(fmt::format("{}: '{}' repeats a value {} times; there are {} cells to fill",
                                     file.place(section, word.line), word.text, repeat, most));
    }
    values.insert(values.end(), repeat, value);
    if (values.size() > most) return values;  // too many: the caller says so
  }
  while (words.next(word)) {
    check(word.is_slash(), "{}: '{}' follows the slash that ended {}", file.place(section, word.line),
          word.text, section.keyword);
  }
  return values;
}

int grdecl_int(const GrdeclWords::Word& word, const std::string& place) {
  int value = 0;
  if (word.quoted || !read_plain(word.text, value)) refuse_word(word, place);
  return value;
}

double grdecl_number(const GrdeclWords::Word& word, const std::string& place) {
  double value = 0;
  if (word.quoted || (!read_plain(word.text, value) && !read_fortran(word.text, value)))
    refuse_word(word, place);
  return value;
}

}  // namespace mano
