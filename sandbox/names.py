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
SHOPIFY_SHOPS = (
    ("云溪家居美国店", "Yunxi Home US", "yunxi-home-us"),
    ("云溪家居欧洲店", "Yunxi Home Europe", "yunxi-home-eu"),
    ("云溪家居中东店", "Yunxi Home Gulf", "yunxi-home-gulf"),
    ("云溪设计工作室", "Yunxi Studio", "yunxi-studio"),
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
