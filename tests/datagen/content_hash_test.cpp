#include "datagen/content_hash.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

TEST(ContentHash, IsThatOfXxhash) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x";
  std::ofstream(path) << "abc";
  EXPECT_EQ(file_hash(path), "06b05ab6733a618578af5f94892f3950");  // xxhsum -H128
  EXPECT_EQ(text_hash("abc"), 0x78af5f94892f3950u);                // xxhsum -H3
}

TEST(ContentHash, ChangesWithEveryByte) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x";
  const std::string text((std::size_t{1} << 20) + 3, 'a');  // more than one block is read
  std::ofstream(path) << text;
  const std::string first = file_hash(path);
  for (const std::size_t at : {std::size_t{0}, text.size() / 2, text.size() - 1}) {
    std::string other = text;
    other[at] = 'b';
    std::ofstream(path) << other;
    EXPECT_NE(file_hash(path), first) << at;
  }
}

TEST(ContentHash, OfNoFileIsRefused) {
  EXPECT_THROW(file_hash("nowhere"), InvalidInput);
}

}  // namespace
}  // namespace mano
