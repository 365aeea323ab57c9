// SPDX-License-Identifier: Apache-2.0
//
// Specification: see each check or recognizer for its clause (GB 11643, GB 32100, ISO/IEC 7812-1, RFC 5321 §4.1.2 …).
// Adversary: whoever wrote the text; any bytes may come. Secret: the text. Leaks by design: kinds and byte offsets.
// Timing: depends on the text; the scanner runs where the text lies. Vectors: Tests/CollectTests.
//
// Small closed lists: what stands before the digits that make an identifier plausible.

/// Words and number ranges the recognizers know. UTF-8, for comparing bytes.
enum Gazetteer {
    /// GB/T 2260: the first two digits of an area code.
    static let provinceCodes: Set<Int> = [
        11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53,
        54, 61,
        62, 63, 64, 65, 71, 81, 82, 83,
    ]

    /// GA 36-2018: the one-character province names on number plates, and the special ones.
    static let plateProvinces: Set<[UInt8]> = Set(
        "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使".map { Array(String($0).utf8) })

    /// GB 32100-2015 table 1: who registers, and as what.
    static let creditPrefixes: Set<[UInt8]> = Set(
        [
            "11", "12", "13", "19", "21", "29", "31", "32", "33", "34", "35", "39", "41", "49", "51", "52",
            "53", "54",
            "55", "59", "61", "62", "69", "71", "72", "79", "81", "89", "91", "92", "93", "A1", "A9", "G1",
            "N1", "N2",
            "N3", "N9", "Y1",
        ].map { Array($0.utf8) })

    /// Area codes of two digits after the zero; the others have three.
    static let shortAreaCodes: Set<Int> = [10, 20, 21, 22, 23, 24, 25, 27, 28, 29]

    /// Labels in front of a colon or as a header, longest first where one ends another.
    static let labels: [(SensitiveKind, [String])] = [
        (
            .personName,
            [
                "姓名", "联系人", "法定代表人", "负责人", "患者", "申请人", "收件人", "经办人", "户主", "监护人", "name", "full name",
                "contact", "patient", "applicant",
            ]
        ),
        (.address, ["地址", "住址", "住所", "家庭住址", "通讯地址", "收货地址", "现住址", "户籍地", "address", "home address"]),
        (
            .medicalRecord,
            [
                "病历号", "住院号", "门诊号", "病案号", "就诊号", "medical record no", "mrn", "patient id", "record number",
            ]
        ),
        (
            .account,
            ["账号", "帐号", "银行账号", "开户账号", "账户", "卡号", "account", "account no", "account number", "iban"]
        ),
        (.socialSecurity, ["社保号", "社会保障号", "医保卡号", "医保号", "社保卡号", "social security number", "ssn"]),
        (.birthDate, ["出生日期", "生日", "出生年月", "date of birth", "dob", "birthday"]),
        (.messenger, ["qq", "qq号", "微信", "微信号", "wechat"]),
        (.postcode, ["邮编", "邮政编码", "postcode", "zip", "zip code"]),
        (.passport, ["护照号", "护照号码", "护照", "passport", "passport no", "passport number"]),
        (.travelPermit, ["通行证号", "通行证", "回乡证", "permit no", "travel permit"]),
        (.deviceNumber, ["imei", "串号", "设备号"]),
        (.landline, ["电话", "固定电话", "联系电话", "座机", "tel", "phone", "telephone"]),
        (.mobile, ["手机", "手机号", "手机号码", "联系方式", "mobile", "cell"]),
    ]

    static let kindOfLabel: [String: SensitiveKind] = {
        var table: [String: SensitiveKind] = [:]
        for (kind, words) in labels {
            for word in words { table[word] = kind }
        }
        return table
    }()

    /// Family names of most people in China (the hundred commonest of the 2020 census, and compound ones).
    static let familyNames: Set<[UInt8]> = Set(
        ("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪"
            + "陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂"
            + "章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧管柴蒙鲍华喻祁蒲房滕屈饶")
            .map { Array(String($0).utf8) })
    static let compoundNames: Set<[UInt8]> = Set(
        ["欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "夏侯", "司徒"].map { Array($0.utf8) })

    /// What an unlabelled address must begin with.
    static let places: [[UInt8]] = [
        "北京", "天津", "上海", "重庆", "河北", "山西", "辽宁", "吉林", "黑龙江", "江苏", "浙江", "安徽", "福建", "江西", "山东", "河南",
        "湖北", "湖南", "广东", "海南", "四川", "贵州", "云南", "陕西", "甘肃", "青海", "内蒙古", "广西", "西藏", "宁夏", "新疆", "广州",
        "深圳", "杭州", "南京", "武汉", "成都", "西安", "苏州", "郑州", "长沙", "青岛", "大连", "厦门", "济南", "合肥",
    ].map { Array($0.utf8) }
    static let roads: [[UInt8]] = ["路", "街", "道", "巷", "弄", "胡同", "里", "园", "村"].map { Array($0.utf8) }
    static let houseNumber = Array("号".utf8)
    static let dateWords: [[UInt8]] = ["年", "月", "日"].map { Array($0.utf8) }
    static let dateSigns = Array("-/.".utf8)
}
