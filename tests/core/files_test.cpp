#include "core/files.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

namespace fs = std::filesystem;

TEST(AtomicWrite, LeavesTheOldFileAndNoTemporaryWhereWritingFails) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "result.txt";
  write_text_atomically(path, "old");
  EXPECT_THROW(write_atomically(path,
                                [](const fs::path& temporary) {
                                  std::ofstream(temporary) << "half";
                                  throw RunFailed("disk");
                                }),
               RunFailed);
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(AtomicFile, LeavesNothingForLongOfAKill) {
  const TemporaryFolder folder;
  for (const char* name :
       {".result.12.tmp.txt", ".result.12.tmp.json", ".result.x.tmp.txt", ".other.12.tmp.txt"})
    std::ofstream(folder.path() / name) << "half";
  remove_temporaries_of(folder.path() / "result.txt");
  EXPECT_FALSE(fs::exists(folder.path() / ".result.12.tmp.txt"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 3);
}

TEST(AtomicFile, AppearsByCommitAloneAndMayBeHandedOn) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "result.txt";
  {
    AtomicFile dropped(path);
    std::ofstream(dropped.temporary()) << "half";
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  AtomicFile first(path);
  AtomicFile second(std::move(first));
  std::ofstream(second.temporary()) << "whole";
  second.commit();
  EXPECT_EQ(read_text(path), "whole");
}

TEST(AtomicWrite, RefusesMissingFoldersAndFolders) {
  const TemporaryFolder folder;
  EXPECT_THROW(write_text_atomically(folder.path() / "absent" / "x", ""), InvalidInput);
  EXPECT_THROW(write_text_atomically(folder.path(), ""), InvalidInput);
  EXPECT_THROW(check_writable("/proc/mano-cannot-write-here"), InvalidInput);
}

TEST(Reading, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_THROW(read_text(folder.path() / "absent"), InvalidInput);
  EXPECT_THROW(read_text(folder.path()), InvalidInput);
}

TEST(Memory, RefusesMoreThanThereIs) {
  EXPECT_NO_THROW(check_memory(1e6, "a test"));
  EXPECT_THROW(check_memory(1e18, "a test"), InvalidInput);
}

}  // namespace
}  // namespace mano
