// Verifies Signet's tokens with jose and with node:crypto, and signs some for Signet to verify.
// Input and output are those of check.py.

import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA']

let text = ''
for await (const chunk of process.stdin) text += chunk
const { issuer, audience, jwks, accepted, refused } = JSON.parse(text)

let checks = 0
const keys = createLocalJWKSet(jwks)
const options = { issuer, audience, algorithms: ALGORITHMS, typ: 'at+jwt', requiredClaims: ['exp', 'iat', 'sub'] }
for (const { algorithm, token, claims } of accepted) {
  const { payload, protectedHeader } = await jwtVerify(token, keys, options)
  assert.deepEqual(payload, claims)
  assert.equal(protectedHeader.alg, algorithm)
  assert(verifyWithNode(token, algorithm), `node:crypto refuses ${algorithm}`)
  checks += 2
}
for (const token of refused) {
  await assert.rejects(jwtVerify(token, keys, options), `jose accepts ${token}`)
  checks += 1
}
for (const jwk of jwks.keys) {
  assert.equal(await calculateJwkThumbprint(jwk, 'sha256'), jwk.kid)
  checks += 1
}

const ours = []
const tokens = []
for (const algorithm of ALGORITHMS) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const kid = `node-${algorithm}`
  ours.push({ ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' })
  const token = await new SignJWT(accepted[0].claims)
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid })
    .sign(privateKey)
  tokens.push({ library: 'jose', algorithm, token })
}
console.log(JSON.stringify({ checks, jwks: { keys: ours }, tokens }))

// The signature alone, by OpenSSL as Node has it: raw r and s for ECDSA, a salt as long as the hash for PSS.
function verifyWithNode (token, algorithm) {
  const [header, payload, signature] = token.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url'))
  const key = createPublicKey({ key: jwks.keys.find((jwk) => jwk.kid === kid), format: 'jwk' })
  const details = {
    RS256: ['sha256', { key }],
    PS256: ['sha256', { key, padding: 6, saltLength: 32 }],
    ES256: ['sha256', { key, dsaEncoding: 'ieee-p1363' }],
    ES384: ['sha384', { key, dsaEncoding: 'ieee-p1363' }],
    EdDSA: [null, { key }]
  }
  const [digest, how] = details[algorithm]
  return verify(digest, Buffer.from(`${header}.${payload}`), how, Buffer.from(signature, 'base64url'))
}
