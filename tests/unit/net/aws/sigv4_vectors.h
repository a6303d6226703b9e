/* Written by sigv4_vectors.py with botocore's SigV4Auth; do not edit. */
#define VECTORS_NOW_MS 1440938160000ll
static const struct vector vectors[] = {
    {.name = "get-vanilla",
     .method = "GET",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942"
         "676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-vanilla-query",
     .method = "GET",
     .path =
         "/",
     .query =
         "Param1=value1",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "Param1=value1\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=a67d582fa61cc504c4bae7"
         "1f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {.name = "get-vanilla-empty-query-key",
     .method = "GET",
     .path =
         "/",
     .query =
         "Param1=",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "Param1=\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=506693d22b79f51760ff22"
         "17fe207bb63f86e8f316bf6c217a3c65d33d15410a"},
    {.name = "get-query-without-value",
     .method = "GET",
     .path =
         "/",
     .query =
         "Param1",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "Param1=\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=506693d22b79f51760ff22"
         "17fe207bb63f86e8f316bf6c217a3c65d33d15410a"},
    {.name = "get-vanilla-query-order-key",
     .method = "GET",
     .path =
         "/",
     .query =
         "Param1=value2&Param1=Value1",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "Param1=Value1&Param1=value2\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=eedbc4e291e521cf13422f"
         "fca22be7d2eb8146eecf653089df300a15b2382bd1"},
    {.name = "get-vanilla-query-order-key-case",
     .method = "GET",
     .path =
         "/",
     .query =
         "Param2=value2&Param1=value1",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "Param1=value1&Param2=value2\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c"
         "982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {.name = "get-vanilla-query-order-value",
     .method = "GET",
     .path =
         "/",
     .query =
         "Param1=value2&Param1=value1",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "Param1=value1&Param1=value2\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=5772eed61e12b33fae39ee"
         "5e7012498b51d56abc0abb7c60486157bd471c4694"},
    {.name = "get-vanilla-query-order-prefix",
     .method = "GET",
     .path =
         "/",
     .query =
         "ab=1&a=2&a-b=3",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "a=2&a-b=3&ab=1\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=8f0d03fc591dcc079b2f26"
         "3d13b3fdea197ac59a7935b30444d12e481edb3964"},
    {.name = "get-vanilla-query-unreserved",
     .method = "GET",
     .path =
         "/",
     .query =
         "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0"
         "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0"
         "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=9c3e54bfcdf0b19771a7f5"
         "23ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {.name = "get-vanilla-utf8-query",
     .method = "GET",
     .path =
         "/",
     .query =
         "\341\210\264=bar",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "%E1%88%B4=bar\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=2cdec8eed098649ff3a119"
         "c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {.name = "get-query-lower-case-escapes",
     .method = "GET",
     .path =
         "/",
     .query =
         "a=%2f%3d&%62=%7e",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "a=%2F%3D&b=~\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=ce096181f8ceceb6a1f14e"
         "27c33b690cdca44dcdd16547ffa1be487749d44000"},
    {.name = "get-query-raw-reserved",
     .method = "GET",
     .path =
         "/",
     .query =
         "a=x/y:z+1=2",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "a=x%2Fy%3Az%2B1%3D2\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=e4d077aaf662facb542c2e"
         "0f1c1a135cb4786e3218a66d47e9848c02bfbc4e77"},
    {.name = "get-query-empty-pairs",
     .method = "GET",
     .path =
         "/",
     .query =
         "&a=1&&b=2&",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "a=1&b=2\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=50d9917f49da4fae5c9a37"
         "e31daa00b4f3c1ee4b3f52484ac1d1b69803616728"},
    {.name = "get-query-broken-escape",
     .method = "GET",
     .path =
         "/",
     .query =
         "a=%zz&b=%",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "a=%25zz&b=%25\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=7fb4f9df7878152f579910"
         "7de8ecbf8b4119eab3b0a3f2e1c7a80ef385c6aed0"},
    {.name = "get-unreserved",
     .method = "GET",
     .path =
         "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=07ef7494c76fa4850883e2"
         "b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {.name = "get-utf8",
     .method = "GET",
     .path =
         "/\341\210\264",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/%E1%88%B4\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=8318018e0b0f223aa2bbf9"
         "8705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {.name = "get-space",
     .method = "GET",
     .path =
         "/example%20space/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/example%2520space/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=446b817944c553435b35e8"
         "13c261ff4e161fff982d1bacdef1c87f6785dd1662"},
    {.name = "get-encoded-at",
     .method = "GET",
     .path =
         "/v2/email/identities/user%40example.com",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/v2/email/identities/user%2540example.com\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=db9f0a36f3f90ee9521d5b"
         "9b3be1239d4435a180e79764e226887ab58ec86daa"},
    {.name = "get-encoded-slash",
     .method = "GET",
     .path =
         "/v2/email/identities/a%2Fb",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/v2/email/identities/a%252Fb\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=b7bcf8bb159a8de4990815"
         "2e6c3c4ac6bf58ff0f8a4a9a636cdf4c5a8a5dc6ec"},
    {.name = "get-lower-case-escape",
     .method = "GET",
     .path =
         "/a%2fb",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/a%252fb\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=9ede1d3134a871d98ec773"
         "d60e4825f9185fe5d4a90af17973f3faf6462c204d"},
    {.name = "get-raw-at",
     .method = "GET",
     .path =
         "/a@b:c",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/a%40b%3Ac\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=1e5536fadcdc7724f536a8"
         "2a5904c3ccae5f74a2de011055521eb394fc563af5"},
    {.name = "normalize-path-relative",
     .method = "GET",
     .path =
         "/example/..",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942"
         "676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "normalize-path-relative-relative",
     .method = "GET",
     .path =
         "/example1/example2/../..",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942"
         "676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "normalize-path-dot-slash",
     .method = "GET",
     .path =
         "/./",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942"
         "676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "normalize-path-pointless-dot",
     .method = "GET",
     .path =
         "/./example",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/example\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=ef75d96142cf21edca26f0"
         "6005da7988e4f8dc83a165a80865db7089db637ec5"},
    {.name = "normalize-path-slash",
     .method = "GET",
     .path =
         "//",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942"
         "676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "normalize-path-slashes",
     .method = "GET",
     .path =
         "//example//",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/example/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=9a624bd73a37c9a373b531"
         "2afbebe7a714a789de108f0bdfe846570885f57e84"},
    {.name = "normalize-path-above-root",
     .method = "GET",
     .path =
         "/../../a",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/a\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=e7dfad111cdad6139e285d"
         "dec7592de69207ee936e9af6cffa906e281325f76a"},
    {.name = "normalize-path-final-dot-dot",
     .method = "GET",
     .path =
         "/a/b/../",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/a/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=694bece1403759d9292850"
         "e34a43c38b7accb0d27abd33d0f0c4dd5136372da1"},
    {.name = "get-header-key-duplicate",
     .method = "GET",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
         {"My-Header1", "value2"},
         {"My-Header1", "value2"},
         {"My-Header1", "value1"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "my-header1:value2,value2,value1\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;my-header1;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;my-header1;x-amz-date, Signature=c9d5ea9f3f7"
         "2853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {.name = "get-header-value-order",
     .method = "GET",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
         {"My-Header1", "value4"},
         {"My-Header1", "value1"},
         {"My-Header1", "value3"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "my-header1:value4,value1,value3\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;my-header1;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;my-header1;x-amz-date, Signature=4308aee2978"
         "6bd01288955ced08fec4107b7a775176774808d7342b80eec106b"},
    {.name = "get-header-value-trim",
     .method = "GET",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
         {"My-Header1", " value1"},
         {"My-Header2", " \"a   b   c\" \011 "},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "my-header1:value1\n"
         "my-header2:\"a b c\"\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;my-header1;my-header2;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;my-header1;my-header2;x-amz-date, Signature="
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {.name = "get-header-value-multiline",
     .method = "GET",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
         {"My-Header1", "value1\015\n  value2\015\n     value3"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "my-header1:value1 value2 value3\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;my-header1;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;my-header1;x-amz-date, Signature=cfd34249e4b"
         "1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
    {.name = "get-header-value-empty",
     .method = "GET",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
         {"My-Header1", ""},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "my-header1:\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;my-header1;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;my-header1;x-amz-date, Signature=8691850dd38"
         "d072764229f10d3134e1a5b72c1fda6672468ed803a44e7de1f77"},
    {.name = "get-header-name-prefix",
     .method = "GET",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
         {"X-Abc-D", "1"},
         {"X-Abc", "2"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-abc:2\n"
         "x-abc-d:1\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-abc;x-abc-d;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-abc;x-abc-d;x-amz-date, Signature=7ab95e62"
         "566267439d3b23d728b4899edd387aecb8e0e999a296fa07624956ba"},
    {.name = "host-with-port",
     .method = "GET",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "127.0.0.1:8080"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "GET\n"
         "/\n"
         "\n"
         "host:127.0.0.1:8080\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=5ca705ff38b3a4cef6d879"
         "b72b9921a5dabfad3391521ce910f90221bac12cb4"},
    {.name = "post-vanilla",
     .method = "POST",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "POST\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc"
         "6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {.name = "post-header-key-case",
     .method = "POST",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
         {"MY-HEADER1", "VALUE1"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "POST\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "my-header1:VALUE1\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;my-header1;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;my-header1;x-amz-date, Signature=cdbc9802e29"
         "d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {.name = "post-x-www-form-urlencoded",
     .method = "POST",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
         {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
     },
     .body =
         "Param1=value1",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "POST\n"
         "/\n"
         "\n"
         "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "content-type;host;x-amz-date\n"
         "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=content-type;host;x-amz-date, Signature=2f3b42f35"
         "f135abf9c562afcbbc44fc03df96dcfd4332ecebad8b39a7d4b6125"},
    {.name = "post-sts-token",
     .method = "POST",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKW"
         "HGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4"
         "IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE"
         "8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yj"
         "c8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "POST\n"
         "/\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "x-amz-security-token:AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk"
         "4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qk"
         "PpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXD"
         "vp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBA"
         "z+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==\n"
         "\n"
         "host;x-amz-date;x-amz-security-token\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=8"
         "5d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {.name = "put-json",
     .method = "PUT",
     .path =
         "/v2/email/identities/a.example/mail-from",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
         {"Content-Type", "application/json"},
     },
     .body =
         "{\"MailFromDomain\":\"m.a.example\"}",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "PUT\n"
         "/v2/email/identities/a.example/mail-from\n"
         "\n"
         "content-type:application/json\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "content-type;host;x-amz-date\n"
         "c7a9797c81ecb3801a303a0d2a8728760caf3b627b9dd07000634cc039e53ceb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=content-type;host;x-amz-date, Signature=32ebffa65"
         "1da8929b9c6284ae43e5b37bae454667d340e6c1c8d354239615660"},
    {.name = "delete",
     .method = "DELETE",
     .path =
         "/v2/email/identities/a.example",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
     },
     .body =
         "",
     .token =
         "",
     .region = "us-east-1",
     .service = "service",
     .canonical =
         "DELETE\n"
         "/v2/email/identities/a.example\n"
         "\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "host;x-amz-date\n"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_"
         "request, SignedHeaders=host;x-amz-date, Signature=4218dd1f890d7df46e0915"
         "a43c3af7eeadd53f8168425c36c77394c285b06afc"},
    {.name = "other-scope",
     .method = "POST",
     .path =
         "/",
     .query =
         "",
     .headers = {
         {"Host", "example.amazonaws.com"},
         {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
     },
     .body =
         "Action=GetIdentityDkimAttributes&Version=2010-12-01&Identities.member.1="
         "a.example",
     .token =
         "",
     .region = "eu-central-1",
     .service = "ses",
     .canonical =
         "POST\n"
         "/\n"
         "\n"
         "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
         "host:example.amazonaws.com\n"
         "x-amz-date:20150830T123600Z\n"
         "\n"
         "content-type;host;x-amz-date\n"
         "5d04853960b1d14d1fc64d46af57765019c1dba1d27459ee0cd90a1671f2475b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/ses/aws4_r"
         "equest, SignedHeaders=content-type;host;x-amz-date, Signature=0d5ebac5ac"
         "fd421c8593f3fe78aea77fa5d4dc848b08e193460e4f6a4ebcb660"},
};
