// SPDX-License-Identifier: Apache-2.0

import Primitives
import Scan

/// Synthetic Chinese, English and mixed text with planted identifiers and hard negatives; the truth is known.
/// Everything is invented. The same seed gives the same corpus.
struct LabelledCorpus {
    struct Truth: Hashable {
        let kind: SensitiveKind
        let start: Int
        let end: Int
    }

    private(set) var text: [UInt8] = []
    private(set) var truth: Set<Truth> = []
    private var random: SeededRandom

    init(seed: UInt64, sentences: Int) {
        random = SeededRandom(seed: seed)
        for _ in 0..<sentences {
            filler()
            if random.next() % 4 == 0 { decoy() } else { plant() }
            filler()
            append(Bool.random(using: &random) ? "。\n" : ".\n")
        }
    }

    private mutating func append(_ piece: String) { text.append(contentsOf: piece.utf8) }

    private mutating func mark(_ kind: SensitiveKind, _ value: String) {
        let start = text.count
        append(value)
        truth.insert(Truth(kind: kind, start: start, end: text.count))
    }

    private mutating func pick<Element>(_ list: [Element]) -> Element {
        list[Int(random.next() % UInt64(list.count))]
    }
    private mutating func digits(_ count: Int) -> String {
        (0..<count).map { _ in String(random.next() % 10) }.joined()
    }
    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    private static let chinese = Array("本合同由甲乙双方于下列日期签订约定事项包括但不限于交付时间质量标准违约责任争议解决方式客户经理已核对资料并登记系统请相关部门尽快处理")
    private static let english =
        "the customer record was verified by branch office and forwarded to review team for approval"
        .split(separator: " ").map(String.init)

    private mutating func filler() {
        if Bool.random(using: &random) {
            for _ in 0..<number(4...20) { append(String(pick(Self.chinese))) }
            append("，")
        } else {
            for _ in 0..<number(3...9) { append(pick(Self.english) + " ") }
        }
    }

    private static let areas = [
        "110101", "310104", "440305", "330106", "510107", "420111", "610113", "320505",
    ]

    private mutating func residentID() -> String {
        let body =
            pick(Self.areas) + "\(number(1940...2015))" + Decimal10.padded(number(1...12), 2)
            + Decimal10.padded(number(1...28), 2) + digits(3)
        return ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "X"].map { body + $0 }
            .first { Array($0.utf8).withTextBytes(CheckDigits.isResidentID) } ?? body
    }

    private mutating func creditCode() -> String {
        let alphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY")
        let tail = (0..<7).map { _ in String(pick(alphabet)) }.joined()
        let body = "91" + pick(Self.areas) + "MA" + tail
        return alphabet.map { body + String($0) }
            .first { Array($0.utf8).withTextBytes(CheckDigits.isCreditCode) } ?? body
    }

    private mutating func luhn(_ prefix: String, _ count: Int) -> String {
        let body = prefix + digits(count - prefix.count - 1)
        return (0...9).map { body + String($0) }.first { Array($0.utf8).withTextBytes(CheckDigits.isLuhn) }
            ?? body
    }

    private mutating func vehicle() -> String {
        let alphabet = Array("ABCDEFGHJKLMNPRSTUVWXYZ0123456789")
        let head = "L" + (0..<7).map { _ in String(pick(alphabet)) }.joined()
        let tail = String(pick(alphabet)) + "A" + digits(6)
        return Array("0123456789X").map { head + String($0) + tail }
            .first { Array($0.utf8).withTextBytes(CheckDigits.isVehicleNumber) } ?? head
    }

    private mutating func organization() -> String {
        let body = "7" + digits(7)
        return Array("0123456789X").map { body + String($0) }
            .first { Array($0.utf8).withTextBytes(CheckDigits.isOrganizationCode) } ?? body
    }

    private mutating func name() -> String {
        pick(Array("王李张刘陈杨赵黄周吴")).description + String(pick(Array("伟芳娜秀英敏静丽强磊军洋")))
            + (Bool.random(using: &random) ? String(pick(Array("明华国建文玉"))) : "")
    }

    // Long because each kind has its own form, and a table of closures would hide them.
    private mutating func plant() {
        let kind = pick(SensitiveKind.allCases.filter { $0 != .residentID15 })
        switch kind {
        case .residentID, .residentID15: mark(.residentID, residentID())
        case .creditCode: mark(kind, creditCode())
        case .organizationCode:
            let code = organization()
            mark(kind, code.prefix(8) + "-" + code.suffix(1))
        case .bankCard:
            let card = luhn(pick(["6222", "6217", "6228", "6214"]), pick([16, 19]))
            let groups = stride(from: 0, to: card.count, by: 4).map { String(card.dropFirst($0).prefix(4)) }
            mark(kind, Bool.random(using: &random) ? card : groups.joined(separator: " "))
        case .vehicleNumber: mark(kind, vehicle())
        case .simCard: mark(kind, luhn("8986", 20))
        case .deviceNumber:
            append("IMEI：")
            mark(kind, luhn("86", 15))
        case .mobile:
            let number = pick(["138", "139", "150", "186", "199"]) + digits(8)
            let parts = [number.prefix(3), number.dropFirst(3).prefix(4), number.suffix(4)].map(String.init)
            mark(kind, pick([number, number, parts.joined(separator: "-"), parts.joined(separator: " ")]))
        case .landline: mark(kind, pick(["010-", "021-", "0755-", "0571-"]) + "8" + digits(7))
        case .passport:
            append(pick(["护照号：", "passport no: "]))
            mark(kind, "E" + digits(8))
        case .travelPermit:
            append("通行证号：")
            mark(kind, "H" + digits(8))
        case .plate:
            let province = String(pick(Array("京津沪渝冀豫")))
            mark(
                kind,
                Bool.random(using: &random) ? province + "AD" + digits(5) : province + "B" + digits(4) + "K")
        case .email: mark(kind, "\(pick(Self.english))\(number(1...999))@example.com")
        case .ipv4: mark(kind, "\(number(1...223)).\(number(0...255)).\(number(0...255)).\(number(1...254))")
        case .ipv6:
            mark(
                kind,
                "2001:db8::\(String(number(4096...65535), radix: 16)):\(String(number(1...255), radix: 16))")
        case .macAddress:
            mark(kind, (0..<6).map { _ in Hex.encode([UInt8(number(0...255))]) }.joined(separator: ":"))
        case .coordinates: mark(kind, "39." + digits(6) + ",116." + digits(6))
        case .personName:
            append(pick(["姓名：", "联系人:"]))
            mark(kind, name())
            append("，")
        case .address:
            let address = pick(["北京市朝阳区建国路", "上海市徐汇区漕溪北路", "广东省深圳市南山区科技路"]) + "\(number(1...999))号"
            if Bool.random(using: &random) { append("住址：") } else { append("，") }
            mark(kind, address)
            append("，")
        case .medicalRecord:
            append("病历号：")
            mark(kind, "ZY" + digits(8))
        case .account:
            append("账号：")
            mark(kind, "0200" + digits(9))
        case .socialSecurity:
            append("社保号：")
            mark(kind, digits(10))
        case .birthDate:
            append("出生日期：")
            mark(kind, "19\(number(50...99))年\(number(1...12))月\(number(1...28))日")
        case .messenger:
            append(pick(["QQ：", "微信号："]))
            mark(kind, "wx" + digits(8))
        case .postcode:
            append("邮编：")
            mark(kind, "1" + digits(5))
        }
        append(" ")
    }

    /// What looks like an identifier and is none.
    private mutating func decoy() {
        switch number(0...12) {
        case 0: append("订单号" + luhn("2024", pick([16, 18, 19])))  // passes Luhn, no issuer
        case 1:  // a wrong check character
            let id = residentID()
            append(id.dropLast() + (id.last == "5" ? "6" : "5"))
        case 2: append("20240315" + digits(10))
        case 3: append("版本 1.2.\(number(0...9)).4")
        case 4: append("时间 \(number(10...23)):\(number(10...59)):\(number(10...59))")
        case 5: append("0.138" + digits(8))
        case 6: append("单号AB" + digits(11) + "Z")
        case 7: append("金额 \(number(1...9)),\(digits(3)).\(digits(2)) 元")
        case 8:
            let code = creditCode()
            append(code.dropLast() + (code.last == "A" ? "B" : "A"))
        case 9: append("2024-03-15 2024/03/15 20240315-001")
        case 10: append("batch no " + digits(9))
        case 11: append("比例：3:4, ratio 1:2, std::vector")
        default: append("电话 " + digits(5) + " 转 " + digits(3))
        }
        append(" ")
    }
}
