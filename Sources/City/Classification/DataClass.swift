// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Scan

/// What kind of data a field holds, by whom or what it describes (GB/T 43697-2024 §5; PIPL art. 28).
package enum DataClass: String, Hashable, Sendable, CaseIterable {
    case personalIdentity = "personal-identity"
    case personalBasic = "personal-basic"
    case personalContact = "personal-contact"
    case personalHealth = "personal-health"
    case personalFinance = "personal-finance"
    case personalWhereabouts = "personal-whereabouts"
    case personalDevice = "personal-device"
    case organization
    case network
    case business

    package var title: LocalizedText {
        switch self {
        case .personalIdentity: LocalizedText(zh: "个人身份信息", en: "personal identity")
        case .personalBasic: LocalizedText(zh: "个人基本信息", en: "personal basics")
        case .personalContact: LocalizedText(zh: "个人联系信息", en: "personal contact")
        case .personalHealth: LocalizedText(zh: "个人健康信息", en: "personal health")
        case .personalFinance: LocalizedText(zh: "个人财产信息", en: "personal finance")
        case .personalWhereabouts: LocalizedText(zh: "个人行踪信息", en: "personal whereabouts")
        case .personalDevice: LocalizedText(zh: "个人设备信息", en: "personal device")
        case .organization: LocalizedText(zh: "组织信息", en: "organization")
        case .network: LocalizedText(zh: "网络标识信息", en: "network identifiers")
        case .business: LocalizedText(zh: "业务数据", en: "business data")
        }
    }

    package var isPersonal: Bool { self != .organization && self != .business && self != .network }

    /// PIPL art. 28: leaking it easily harms dignity, body or property.
    package var isSensitivePersonal: Bool {
        switch self {
        case .personalIdentity, .personalHealth, .personalFinance, .personalWhereabouts: true
        default: false
        }
    }
}

extension SensitiveKind {
    package var dataClass: DataClass {
        switch self {
        case .residentID, .residentID15, .passport, .travelPermit, .socialSecurity: .personalIdentity
        case .personName, .birthDate: .personalBasic
        case .mobile, .email, .address, .messenger, .postcode, .landline: .personalContact
        case .medicalRecord: .personalHealth
        case .bankCard, .account: .personalFinance
        case .plate, .coordinates: .personalWhereabouts
        case .deviceNumber, .simCard, .macAddress, .vehicleNumber: .personalDevice
        case .creditCode, .organizationCode: .organization
        case .ipv4, .ipv6: .network
        }
    }

    /// The grade of one field that holds it, before scale and join are weighed (annex H's examples).
    package var grade: DataGrade {
        switch self {
        case .residentID, .residentID15, .passport, .travelPermit, .socialSecurity, .address, .medicalRecord,
            .bankCard, .account:
            .general4
        case .personName, .birthDate, .mobile, .email, .messenger, .plate, .coordinates, .deviceNumber,
            .simCard,
            .macAddress:
            .general3
        case .landline, .postcode, .vehicleNumber, .ipv4, .ipv6: .general2
        case .creditCode, .organizationCode: .general1
        }
    }

    package var title: LocalizedText {
        switch self {
        case .residentID: LocalizedText(zh: "居民身份证号", en: "resident identity number")
        case .residentID15: LocalizedText(zh: "15 位身份证号", en: "15-digit identity number")
        case .creditCode: LocalizedText(zh: "统一社会信用代码", en: "unified social credit code")
        case .organizationCode: LocalizedText(zh: "组织机构代码", en: "organization code")
        case .bankCard: LocalizedText(zh: "银行卡号", en: "bank card number")
        case .vehicleNumber: LocalizedText(zh: "车辆识别代号", en: "vehicle identification number")
        case .simCard: LocalizedText(zh: "SIM 卡号", en: "SIM card number")
        case .deviceNumber: LocalizedText(zh: "移动设备识别码", en: "mobile device number")
        case .mobile: LocalizedText(zh: "手机号", en: "mobile number")
        case .landline: LocalizedText(zh: "固定电话", en: "landline number")
        case .passport: LocalizedText(zh: "护照号", en: "passport number")
        case .travelPermit: LocalizedText(zh: "通行证号", en: "travel permit number")
        case .plate: LocalizedText(zh: "车牌号", en: "number plate")
        case .email: LocalizedText(zh: "电子邮箱", en: "e-mail address")
        case .ipv4, .ipv6: LocalizedText(zh: "IP 地址", en: "IP address")
        case .macAddress: LocalizedText(zh: "MAC 地址", en: "MAC address")
        case .coordinates: LocalizedText(zh: "经纬度", en: "coordinates")
        case .personName: LocalizedText(zh: "姓名", en: "person's name")
        case .address: LocalizedText(zh: "住址", en: "postal address")
        case .medicalRecord: LocalizedText(zh: "病历号", en: "medical record number")
        case .account: LocalizedText(zh: "账号", en: "account number")
        case .socialSecurity: LocalizedText(zh: "社会保障号", en: "social security number")
        case .birthDate: LocalizedText(zh: "出生日期", en: "date of birth")
        case .messenger: LocalizedText(zh: "即时通信账号", en: "messenger account")
        case .postcode: LocalizedText(zh: "邮政编码", en: "postcode")
        }
    }
}
