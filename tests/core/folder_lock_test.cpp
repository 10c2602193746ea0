#include "core/folder_lock.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

TEST(FolderLock, IsHeldByOneRunAndSharedByItsProcesses) {
  const TemporaryFolder folder;
  const auto take = [&](FolderLock& lock) { lock.take(folder.path(), "result", "mano work"); };
  FolderLock other;
  {
    FolderLock second;
    {
      FolderLock first;
      take(first);
      second.share(folder.path());
      try {
        take(other);
        FAIL() << "two runs in one folder";
      } catch (const InvalidInput& e) {
        EXPECT_STREQ(e.what(),
                     "another 'mano work' is at work on result: wait for it, or choose another name");
      }
    }
    FolderLock third;
    EXPECT_THROW(take(third), InvalidInput);  // the first process is gone, the second is not
  }
  FolderLock last;
  EXPECT_NO_THROW(take(last));
}

}  // namespace
}  // namespace mano
