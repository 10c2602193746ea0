#pragma once
// Eclipse text taken apart: words, and the keywords with what follows each. Files that it includes stand where they are included.
// What the keywords mean is in datagen/grdecl.hpp.

#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mano {

/// The words of a text, with the numbers of their lines. Lines end in \n, \r\n or \r. "--" begins a comment. A slash ends a record, even
/// where it touches a value; what follows it on its line is a comment. Quotes ('...' or "...") may hold both.
class GrdeclWords {
 public:
  struct Word {
    std::string_view text;  ///< without its quotes
    int line = 0;
    bool first = false;  ///< in its line
    bool quoted = false;
    bool is_slash() const { return !quoted && text == "/"; }
  };

  GrdeclWords(std::string_view text, int line) : at_(text.data()), end_(at_ + text.size()), line_(line) {}

  bool next(Word& word);
  void skip_line();
  /// The rest of the line from its first character that is neither blank nor comment, of this line or a later one.
  std::string_view raw_line();
  int line() const { return line_; }

 private:
  void skip_blanks();

  const char* at_;
  const char* end_;
  int line_;
  bool first_ = true;
};

/// A keyword and what follows it, up to the next one.
struct GrdeclSection {
  std::string keyword;  ///< in capitals
  std::string_view body;
  std::size_t file = 0;  ///< of GrdeclFile::files()
  int line = 0;          ///< of the keyword
};

class GrdeclFile {
 public:
  /// Reads a file and, in place, those that it includes: by paths relative to the including file, 16 deep at most. Unless
  /// `include_anywhere`, only files below the folder of the first one are followed. Of a deck with the keyword GRID, nothing is read from
  /// PROPS, REGIONS, SOLUTION, SUMMARY or SCHEDULE on. As long as somebody holds the result, a file
  /// that is opened again is not read again. Throws InvalidInput, naming file and line.
  static std::shared_ptr<const GrdeclFile> open(const std::filesystem::path& path, bool include_anywhere);

  const std::vector<GrdeclSection>& sections() const { return sections_; }
  /// The file itself, then those that it includes.
  const std::vector<std::filesystem::path>& files() const { return files_; }
  /// The last record has no slash: the file may have been cut.
  bool ends_open() const;
  std::string name() const { return files_.front().string(); }
  /// "rock.grdecl, line 3"
  std::string place(const GrdeclSection& section, int line) const;

 private:
  GrdeclFile() = default;
  friend class GrdeclScanner;

  std::deque<std::string> texts_;  // which the sections look into
  std::vector<std::filesystem::path> files_;
  std::vector<GrdeclSection> sections_;
};

/// Sections of records that compute properties from others, such as EQUALS: a slash of its own ends them.
bool is_grdecl_operation(std::string_view keyword);

/// Without regard to case and to blanks at the end.
bool same_keyword(std::string_view a, std::string_view b);

}  // namespace mano
