import HoldfastCore
import Testing

@Suite struct Base64Tests {
  /// Goal: the standard form is that of RFC 4648.
  ///
  /// Method: the examples of its section 10, and the two letters that differ between the alphabets.
  @Test(arguments: [
    ("", "", ""), ("f", "Zg==", "Zg"), ("fo", "Zm8=", "Zm8"), ("foo", "Zm9v", "Zm9v"),
    ("foob", "Zm9vYg==", "Zm9vYg"), ("fooba", "Zm9vYmE=", "Zm9vYmE"),
    ("foobar", "Zm9vYmFy", "Zm9vYmFy"),
    ("~~?", "fn4/", "fn4_"), ("~~>", "fn4+", "fn4-"),
  ])
  func `the examples of the RFC`(plain: String, standard: String, url: String) {
    let bytes = Array(plain.utf8)
    #expect(Base64.encode(bytes) == standard)
    #expect(Base64.encodeURL(bytes) == url)
    #expect(Base64.decode(standard) == bytes)
    #expect(Base64.decodeURL(url) == bytes)
    #expect(Base64.textLength(of: bytes.count) == standard.utf8.count)
  }

  /// Goal: each run of bytes has one text: all others are refused.
  ///
  /// Method: wrong length, padding, letters and left-over bits, in both forms.
  @Test func `other texts are refused`() {
    for text in [
      "Z", "Zg", "Zg=", "Zg===", "Zo==", "Zm6=", "====", "=", "Z===", "Zg==Zg==", "Zh==", "Zm9=",
      "Zm8=\n", " Zg=",
      "Zm 8", "Zm-v",
      "Zm_v", "Zm9v====", "Zé==", "Zg=A", "=Zg=",
    ] {
      #expect(Base64.decode(text) == nil, "\(text)")
    }
    for text in [
      "Z", "Zg==", "Zh", "Zo", "Zm9", "Zm6", "Zm8=", "Zm+v", "Zm/v", "Zm9vY", "Z g", "é",
    ] {
      #expect(Base64.decodeURL(text) == nil, "\(text)")
    }
  }

  /// Goal: all bytes survive in both forms.
  ///
  /// Method: random bytes of every length up to 200; a text changed in one place is refused or
  /// means other bytes.
  @Test func `all bytes survive`() {
    var generator = SplitMix64(seed: 0x5EED_0005)
    for length in 0..<200 {
      let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      let text = Base64.encode(bytes)
      #expect(Base64.decode(text) == bytes)
      #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
      guard length > 0 else { continue }
      var broken = Array(text.utf8)
      broken[Int(generator.next() % UInt64(broken.count))] ^= UInt8(1 + generator.next() % 127)
      #expect(Base64.decode(String(decoding: broken, as: UTF8.self)) != bytes)
    }
  }
}
