#include "apps/pictures/image_base64.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace mano {
namespace {

// Six bytes, 1 to 6, behind their number as four.
constexpr const char* kTogether = "BgAAAAECAwQFBg==";
constexpr const char* kApart = "BgAAAA==AQIDBAUG";

bool whole(const std::string& data, const std::string& head = "", bool appended = false) {
  const std::string array = appended ? "<DataArray Name=\"k\" format=\"appended\" offset=\"2\"/>"
                                       "</ImageData><AppendedData encoding=\"base64\">\n _xx" + data + "</AppendedData>"
                                     : "<DataArray Name=\"k\" format=\"binary\">\n  " + data + "\n</DataArray></ImageData>";
  try {
    check_image_base64("<VTKFile type=\"ImageData\"" + head + "><ImageData>" + array + "</VTKFile>", "f.vti");
  } catch (const InvalidInput& e) {
    EXPECT_NE(std::string(e.what()).find("'k'"), std::string::npos) << e.what();
    return false;
  }
  return true;
}

TEST(ImageBase64, KnowsBothKindsOfHeader) {
  for (const bool appended : {false, true}) {
    for (const char* data : {kTogether, kApart}) EXPECT_TRUE(whole(data, "", appended)) << data;
    EXPECT_TRUE(whole("BgAAAAAAAAA=AQIDBAUG", " header_type=\"UInt64\"", appended));
    EXPECT_TRUE(whole("AAAABgECAwQFBg==", " byte_order=\"BigEndian\"", appended));
    EXPECT_TRUE(whole("AAAAAA==", "", appended));  // no bytes
  }
}

// Found by mutating files: VTK fills up what is missing with whatever the memory holds.
TEST(ImageBase64, RefusesWhatIsShortOrNoBase64) {
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
  EXPECT_TRUE(whole("*", " compressor=\"vtkZLibDataCompressor\""));  // VTK finds out itself
}

}  // namespace
}  // namespace mano
