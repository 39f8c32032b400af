//! What the compiler says of objects that are not right, and that it says nothing of those that are.

#[test]
fn compile_errors_point_at_the_users_code() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/fail/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}
