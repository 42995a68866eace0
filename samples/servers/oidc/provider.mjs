// A real OpenID Connect provider: PKCE is required, back-channel logout works, any password signs in.
// node provider.mjs PORT CLIENT_ADDRESS CLAIMS_FILE; the file maps a login to its claims and is read at each sign-in.
import { readFileSync } from "node:fs";
import Provider from "oidc-provider";

const [port, portal, claims] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: "portal", client_secret: "secret-of-the-portal", grant_types: ["authorization_code"], response_types: ["code"],
    redirect_uris: [`${portal}/api/v1/oidc/callback`],
    backchannel_logout_uri: `${portal}/api/v1/oidc/back-channel-logout`, backchannel_logout_session_required: true,
  }],
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true } },
  claims: { openid: ["sub", "sid"], profile: ["preferred_username", "name", "groups"] },
  findAccount: async (_, login) => ({
    accountId: login,
    claims: async () => ({ sub: login, ...JSON.parse(readFileSync(claims, "utf8"))[login] }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
