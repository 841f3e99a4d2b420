//! What the compiler says about the usual mistakes: held here, because it is what authors see first.

#[test]
fn explains_the_usual_mistakes() {
    trybuild::TestCases::new().compile_fail("tests/compiler_messages/*.rs");
}
