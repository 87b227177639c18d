// A listing of several turns goes on in the tree as it has become.
// killers: test_http_moments
@@
struct http_listing *listing;
struct http_request *request;
@@
listing_turn(...)
{
<...
- listing->moment ? http_moment_tree(listing->moment) : replica_tree(request->http->replica)
+ replica_tree(request->http->replica)
...>
}
