#include "apps/pictures/image_encoding.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace mano {
namespace {

// Six bytes, 1 to 6, behind their number as four.
constexpr const char* kTogether = "BgAAAAECAwQFBg==";
constexpr const char* kApart = "BgAAAA==AQIDBAUG";

bool whole(const std::string& data, const std::string& head = "", bool appended = false) {
  const std::string array =
      appended ? "<DataArray Name=\"k\" format=\"appended\" offset=\"2\"/>"
                 "</ImageData><AppendedData encoding=\"base64\">\n _xx" +
                     data + "</AppendedData>"
               : "<DataArray Name=\"k\" format=\"binary\">\n  " + data + "\n</DataArray></ImageData>";
  try {
    check_image_encoding("<VTKFile type=\"ImageData\"" + head + "><ImageData>" + array + "</VTKFile>",
                         "f.vti");
  } catch (const InvalidInput& e) {
    EXPECT_NE(std::string(e.what()).find("'k'"), std::string::npos) << e.what();
    return false;
  }
  return true;
}

TEST(ImageEncoding, KnowsBothKindsOfHeader) {
  for (const bool appended : {false, true}) {
    for (const char* data : {kTogether, kApart}) EXPECT_TRUE(whole(data, "", appended)) << data;
    EXPECT_TRUE(whole("BgAAAAAAAAA=AQIDBAUG", " header_type=\"UInt64\"", appended));
    EXPECT_TRUE(whole("AAAABgECAwQFBg==", " byte_order=\"BigEndian\"", appended));
    EXPECT_TRUE(whole("AAAAAA==", "", appended));  // no bytes
  }
}

// Found by mutating files: VTK fills up what is missing with whatever the memory holds.
TEST(ImageEncoding, RefusesWhatIsShortOrNoBase64) {
  for (const bool appended : {false, true}) {
    for (const std::string data : {kTogether, kApart}) {
      for (std::size_t at = 0; at < data.find_last_not_of('='); ++at) {
        EXPECT_FALSE(whole(data.substr(0, at), "", appended)) << at;
        std::string other = data;
        if (other[at] == '=') continue;
        other[at] = '*';
        EXPECT_FALSE(whole(other, "", appended)) << other;
      }
    }
  }
  EXPECT_FALSE(whole("/////wECAwQFBg=="));
  EXPECT_FALSE(whole(""));
}

// One block of 192 bytes; found by mutating files: VTK divides by the size of a block.
TEST(ImageEncoding, RefusesCompressedDataInNoBlocks) {
  const std::string zlib = " compressor=\"vtkZLibDataCompressor\"";
  for (const bool appended : {false, true}) {
    EXPECT_TRUE(whole("AQAAAMAAAAAAAAAAywAAAA==eJwBwAA", zlib, appended));
    EXPECT_TRUE(whole("AAAAAAAAAAAAAAAA", zlib, appended));                  // nothing in it
    EXPECT_FALSE(whole("AQAAAAAAAAAAAAAAywAAAA==eJwBwAA", zlib, appended));  // of size 0
    EXPECT_FALSE(whole("AQAAAP////8AAAAAywAAAA==eJwBwAA", zlib, appended));  // of 4 GB
    EXPECT_FALSE(whole("/////8AAAAAAAAAAywAAAA==eJwBwAA", zlib, appended));
    EXPECT_FALSE(whole("AQAAAMAAA", zlib, appended));
    EXPECT_FALSE(whole("*", zlib, appended));
  }
}

}  // namespace
}  // namespace mano
