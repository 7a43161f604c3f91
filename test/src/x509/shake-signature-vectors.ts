/** Signatures over `what is signed`, made with pycryptodome 3 (RSASSA-PSS) and Python's cryptography (ECDSA). */
export const shakeSignatures = [
  {
    name: 'rsa-pss-shake128',
    publicKey:
      'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAs5jgIncpQv1Tf8QZWxmkKOlMSPw0psbAXZEoZVC3OuEe8jwjEDGiKmB1U25m1e5GjT4MS4eRH27w3z1TYMZIYfB4NkygirWNJiXJjdqKO1OHfBHWUAWXsCWsT4p+jAKhiwmWCgs+ZwcVxzbv3ZJUuEZqdl9mAqckG4/e76UW/H4Rt35rO8U8rS1cO0bNfN+vOTkTIMfPQS7mMb3vujQ+1kOu3fns1GXA5bWHof97kGAMQkFK3Q4x9O8layGtTtY92o3X2CQzacFtb3k0CY7k+NFBnH9dgqBbKEswkm3GSBhZt5MT27Brc4VmM/Uh2YVmD6JTz/uwkCVXE9mXGC757wIDAQAB',
    signature:
      'J8HqqgmqrltTFSicNlQ3XjaaI/NhPkfYL49h47teJJa+7GQhklJm7QCWah6qNcXApycTXNyKLyLqILcnlOtHh14UWUFfXDLNud9+TrjLCalrdoFqdglJdzCJdF/ZBL510Vv+29ZoKq8i151/qHlxNVGQoVPi1b9hi4L0rnLR7IsmJenKPI+Q4AekxZ+P6mEqR9G7IQ1roBdVN6OAVxiP/0+Yod64I97UzLCLT9UP+2fzq5NpMPLe5Txmnvz9qvGVHjDLLnGC5vPtRYVvSKIE006W2yxJe2QrgWA/3oZ1aDJ/j1nHZeurBEGj7XbyI/XGrTgRPNIqFxjbEsPwE6ASQg==',
  },
  {
    name: 'rsa-pss-shake256',
    publicKey:
      'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwMtjX168M3LSXn0njSdvqE46fCGKfrNEAp8udhjyPq59y6V+0xeL6FEH85oCsTaup09nL9N+2BglpYv+yL4rdErpGHft3ai1yY0fBK4E3mwTnpuiqQg3I+TcX5to37dPSZxGFVu9KWf5FARg8v1AYcNOPCVhtUPm9g1OjT2xNb10nqiCXqxlyB+M6miOGeGGtsIsEXIgoaRVCb3MdmQAvyHlGC0s6OulsHgi+k11OiZLgNALt3w4P+VDlTzfP2OriIwVbRIWlVefXwK/GiT+lie/RDXEFSrUsb7bf8Zd3WTpEH+GsWqA9n6uEljy/mGpYT8pntXtJ0KQPcSgv30MEwIDAQAB',
    signature:
      'LzlSYRtRi/zgVTX1Heyg3b7BwGZKPuYOujd/7sEi9Pcwgrq1gvue4bnMOW68QvuB/GzhWUdB4yQTpd/Tk02iv+zA23cYlp1Ye2i3ocAXvVdxcza8fr+SazWMy/MYlQFhnlRXNUWlByQQpFQx9u1yIoBilL8+Z3Rfu9351jy7OMSxj3ucz5Zasy0vauJgsz6/rBcuxifEvG2aMXqHmTVIW7qsteCZeF87RKnvLsOadTyYekFdXNI2SzjygFGO+UvoIq3rAshjtV/nMJfwcUDhMP/7MKOztSbI6pqX/kRxCEjbwuJEG5mdBD1yJR9giRPcsAevoeLjW9EI8JEdkjBPEg==',
  },
  {
    name: 'ecdsa-shake128',
    publicKey:
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmiN4i+1Xz9IUUOdsWvEbcU9pQsR184z5zH/AD0Lp64T5kViEgm00sj2tLj8bn5OJebSgew//cawk9DIvNqBM+Q==',
    signature: 'MEQCIDA//dmH4e6+/Vl+xr5RCCWqTKVi9jlifa4CBHspltH6AiAOXrO790XI+dNWr3GGFIu7W3RqiWKhwumQpdgYmhWl4w==',
  },
  {
    name: 'ecdsa-shake256',
    publicKey:
      'MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEciuqqQNrayt6M4FSll31knkl1Zo2tqmU573utUVB+x31/H7Q/OQKI8HOlUPZ/f/MhlMXUznnkNr7CdMOZ/qQx2uT6GFv/+RFDr7WNRBYdqHb7bwgdbJbHwUIrt8/quyr',
    signature:
      'MGUCMQDYr2yU4HdLX4yFnSn03aK3vAB93TOvniOtkyUIpzjoV0o5Q0RiSjry2KHRXQw8MhECMHW2YWb5N6uxVxKGYwmQgHAzSlxsDaDmwILHq+hF7pfLbxLVz5wc8crlvBiswjXojw==',
  },
  {
    name: 'ecdsa-shake256',
    publicKey:
      'MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAUFwpd+2Fb15MKI7b0n2SbKXrJpMIjggFyyw1R+fAFMlu1kZH1Lngt+QpwKTdW22kH35CzzRGasnX1RHyD4j+f/ABgjn/m4dVMOjX8EF7Gm8h2I2dDlwECxnW6RlmxgS1lNgK7L5bV9vgFrF9FfkNDrCFxKLevru8PGOen82kGWvpfoE=',
    signature:
      'MIGIAkIB8DiPJWw9L2fggmW87ZsDodt7ZBIUM1g8LnAxyxKxKklakulY421lT/QuJqZXmpD3RxGr2yW82rhGsJm2XaF4sksCQgEw/IOfn+0G3oEF6uGW0vtNaG9pfEdUlHM6bFTVKV/XKMHVM3AKFl9TgtNZqVBvsoQ485YBj9KrUSSn2n8Sgo2P3Q==',
  },
] as const;
