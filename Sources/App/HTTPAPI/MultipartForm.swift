// SPDX-License-Identifier: Apache-2.0

/// One file out of a form (`multipart/form-data`, RFC 7578): what a browser sends where no script runs.
struct MultipartForm {
    struct Part {
        let name: String
        let fileName: String?
        let bytes: ArraySlice<UInt8>
    }

    /// More parts than this are no form of ours.
    private static let partsMax = 32

    let parts: [Part]

    /// `nil` for a body that is not what its content type says.
    init?(contentType: String, body: [UInt8]) {
        guard contentType.lowercased().hasPrefix("multipart/form-data"),
            let mark = contentType.firstRange(of: "boundary=")
        else { return nil }
        let word = contentType[mark.upperBound...].prefix { $0 != ";" && $0 != " " }
        let boundary = Array(("--" + word.filter { $0 != "\"" }).utf8)
        guard (3...72).contains(boundary.count) else { return nil }
        var rest = body[...]
        var parts: [Part] = []
        guard rest.starts(with: boundary) else { return nil }
        rest = rest.dropFirst(boundary.count)
        while rest.starts(with: [0x0d, 0x0a]) {
            rest = rest.dropFirst(2)
            guard parts.count < Self.partsMax, let headEnd = rest.firstRange(of: Self.headEnd),
                let end = rest[headEnd.upperBound...].firstRange(of: [0x0d, 0x0a] + boundary),
                let part = Part(
                    head: rest[..<headEnd.lowerBound], bytes: rest[headEnd.upperBound..<end.lowerBound])
            else { return nil }
            parts.append(part)
            rest = rest[end.upperBound...]
        }
        guard rest.starts(with: Array("--".utf8)) else { return nil }
        self.parts = parts
    }

    private static let headEnd: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a]
}

extension MultipartForm.Part {
    fileprivate init?(head: ArraySlice<UInt8>, bytes: ArraySlice<UInt8>) {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        guard
            let line = lines.first(where: { $0.lowercased().hasPrefix("content-disposition:") }),
            let name = Self.parameter("name", of: line)
        else { return nil }
        self.name = name
        fileName = Self.parameter("filename", of: line)
        self.bytes = bytes
    }

    /// `name="value"` among the parameters of a header line.
    private static func parameter(_ name: String, of line: Substring) -> String? {
        for piece in line.split(separator: ";").dropFirst() {
            let words = piece.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            if words.count == 2, words[0] == name { return words[1].filter { $0 != "\"" } }
        }
        return nil
    }
}
