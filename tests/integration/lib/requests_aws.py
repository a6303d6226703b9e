"""Signs single requests with botocore, so that tests can send what boto3 itself would not."""

import json
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from sandbox import ACCESS_KEY, REGION, SECRET_KEY


def sign(url, method="POST", body=b"", headers=None, service="ses", region=REGION, key=ACCESS_KEY, secret=SECRET_KEY,
         token=None):
    """The signed headers of a request, as a dict."""
    request = botocore.awsrequest.AWSRequest(method, url, headers or {}, body)
    credentials = botocore.credentials.Credentials(key, secret, token)
    botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
    return dict(request.headers.items())


def send(url, method="POST", body=b"", headers=None):
    """(status, headers, body) of the reply, whatever the status."""
    request = urllib.request.Request(url, body or None, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def call(sb, method, path, body=None, **how):
    """The JSON of a signed v2 request that must go well."""
    data = b"" if body is None else json.dumps(body).encode()
    headers = sign(sb.ses_url + path, method, data, {"Content-Type": "application/json"}, **how)
    status, _, reply = send(sb.ses_url + path, method, data, headers)
    assert status == 200, reply
    return json.loads(reply)
