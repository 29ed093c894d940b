"""Names of the simulated world: the merchant, its shops, what it sells, whom it pays."""

from __future__ import annotations

from sandbox.model import Merchant

BANK_NAME = "Sandbox Bank (simulated)"
MERCHANT = Merchant(name="云溪家居有限公司", name_en="Yunxi Home Ltd")

WECHAT_SHOPS = (
    ("云溪家居旗舰店", "Yunxi Home Flagship"),
    ("云溪床品馆", "Yunxi Bedding"),
    ("云溪厨房", "Yunxi Kitchen"),
    ("云溪灯饰", "Yunxi Lighting"),
    ("云溪茶器", "Yunxi Tea Ware"),
    ("云溪收纳", "Yunxi Storage"),
    ("云溪花艺", "Yunxi Flowers"),
    ("云溪童趣", "Yunxi Kids"),
)
ALIPAY_SHOPS = (
    ("云溪家居天猫旗舰店", "Yunxi Home Tmall Flagship"),
    ("云溪床品天猫专营店", "Yunxi Bedding Tmall Store"),
    ("云溪杂货淘宝店", "Yunxi General Store on Taobao"),
    ("云溪茶器天猫旗舰店", "Yunxi Tea Ware Tmall Flagship"),
    ("云溪灯饰淘宝店", "Yunxi Lighting on Taobao"),
    ("云溪童趣天猫旗舰店", "Yunxi Kids Tmall Flagship"),
    ("云溪花艺淘宝店", "Yunxi Flowers on Taobao"),
    ("云溪餐厨天猫专卖店", "Yunxi Dining Tmall Store"),
)
PINDUODUO_SHOPS = (
    ("云溪家居拼多多旗舰店", "Yunxi Home Pinduoduo Flagship"),
    ("云溪收纳拼多多店", "Yunxi Storage on Pinduoduo"),
    ("云溪厨房拼多多专营店", "Yunxi Kitchen on Pinduoduo"),
    ("云溪工厂店", "Yunxi Factory Outlet on Pinduoduo"),
    ("云溪毛巾拼多多店", "Yunxi Towels on Pinduoduo"),
    ("云溪文具拼多多店", "Yunxi Stationery on Pinduoduo"),
    ("云溪节庆拼多多店", "Yunxi Festive on Pinduoduo"),
)
SHOPIFY_SHOPS = (
    ("云溪家居美国店", "Yunxi Home US", "yunxi-home-us"),
    ("云溪家居欧洲店", "Yunxi Home Europe", "yunxi-home-eu"),
    ("云溪家居中东店", "Yunxi Home Gulf", "yunxi-home-gulf"),
    ("云溪设计工作室", "Yunxi Studio", "yunxi-studio"),
    ("云溪礼品英国店", "Yunxi Gifts UK", "yunxi-gifts-uk"),
)
PRODUCTS = (
    "亚麻四件套",
    "青瓷盖碗",
    "竹编收纳篮",
    "黄铜台灯",
    "手工羊毛地毯",
    "松木儿童书架",
    "珐琅铸铁锅",
    "干花花束",
)
PAYERS_BANKS = ("OTHERS", "CMB_DEBIT", "ICBC_DEBIT", "CCB_DEBIT", "BOC_CREDIT", "ABC_DEBIT")
CARD_BRANDS = ("visa", "visa", "master", "master", "american_express")

TENPAY = "财付通支付科技有限公司"
TENPAY_LATIN = "TENPAY PAYMENT TECHNOLOGY CO LTD"
SHOPIFY_PAYER = "SHOPIFY PAYMENTS"
# Whose name a bank shows for these two is in no source; the words are assumed.
ALIPAY_PAYER = "支付宝（中国）网络技术有限公司"
PINDUODUO_PAYER = "拼多多平台商户结算资金"

TMALL = "天猫技术服务费"
TAOBAO_AFFILIATES = "淘宝客佣金结算"
HUABEI = "花呗服务商"
INSURER = "运费险承保"
BUYERS = ("用户甲", "用户乙", "用户丙", "用户丁", "用户戊", "用户己")

LANDLORD = "杭州临溪物业管理有限公司"
SUPPLIERS_CNY = (
    "景德镇青禾陶瓷厂",
    "安吉竹语工艺品有限公司",
    "南通锦绵纺织有限公司",
    "中山亮舍照明电器厂",
    "杭州顺达包装材料有限公司",
)
SUPPLIERS_USD = (
    "HARBOR FREIGHT FORWARDING INC",
    "NORDLICHT WAREHOUSING GMBH",
    "PACIFIC PACKAGING LLC",
    "BRIGHT PIXEL ADVERTISING LLC",
)
WHOLESALE_CNY = ("苏州木白酒店管理有限公司", "成都半日闲餐饮有限公司")
WHOLESALE_USD = ("COASTLINE INTERIORS LLC", "ATELIER BLANC SARL")
STAFF = ("王晓岚", "李子墨", "陈思远", "赵一鸣", "周雨桐", "孙佳宁")
