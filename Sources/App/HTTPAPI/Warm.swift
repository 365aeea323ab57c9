// SPDX-License-Identifier: Apache-2.0
private import Hummingbird
private import HummingbirdTLS
private import AsyncHTTPClient
